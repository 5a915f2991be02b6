import { codeSpan, oneLine, pythonText, shellWord } from './quoting';

test.each([
  ['plain', 'plain'],
  ['two\nlines\r\n', 'two lines'],
  ['a\u2028b\u0085c\u0000d\u007f', 'a b c d'],
  ['half \ud800 a letter', 'half   a letter'],
])('oneLine(%j)', (text, line) => {
  expect(oneLine(text)).toBe(line);
});

test.each([
  ['to_q', '`to_q`'],
  ['a `quoted` name', '`` a `quoted` name ``'],
  ['``', '``` `` ```'],
  ['a\n# b', '`a # b`'],
])('codeSpan(%j)', (text, span) => {
  expect(codeSpan(text)).toBe(span);
});

test('pythonText', () => {
  expect(pythonText('a "b" \\ \'c\'\n')).toBe('"a \\"b\\" \\\\ \'c\'"');
});

test.each([
  ['models/sd-1.5', 'models/sd-1.5'],
  ['my model', "'my model'"],
  ['$(rm -rf ~)', "'$(rm -rf ~)'"],
  ["it's", "'it'\\''s'"],
  ['', "''"],
])('shellWord(%j)', (text, word) => {
  expect(shellWord(text)).toBe(word);
});
