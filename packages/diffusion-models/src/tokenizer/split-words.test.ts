import { splitWords } from './split-words';

describe('splitWords', () => {
  it.each([
    ['A red  Circle!', ['a', 'red', 'circle', '!']],
    ["don't 42", ['don', "'t", '4', '2']],
    ['ΑΣ ΣΑ', ['ας', 'σα']],
    ['红色x', ['红', '色', 'x']],
    ['e\u0301', ['é']],
    ['zero\u200bwidth\0', ['zerowidth']],
    // As the `regex` module of Python matches them with IGNORECASE.
    ["a\u0345b 'ſt", ['a', 'b', "'ſ", 't']],
    ['', []],
  ])('cuts %j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });
});
