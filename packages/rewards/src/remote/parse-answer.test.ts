import { parseAnswer } from './parse-answer';

const expected = { count: 2, reward: 'r', version: '1' };

function parse(results: string, rest = '"reward":"r","version":"1"') {
  return parseAnswer(`{"results":${results},${rest}}`, expected);
}

it('takes scores and failures', () => {
  const failure = { ok: false, kind: 'invalid-prompt', message: 'no', retryable: false } as const;
  const score = { ok: true, value: 0.1, components: { part: 2 } } as const;
  expect(parse(JSON.stringify([score, failure]))).toEqual([score, failure]);
});

it.each([
  ['[{"ok":true,"value":NaN},{"ok":true,"value":1}]', 'non-finite'],
  ['[{"ok":true,"value":-Infinity},{"ok":true,"value":1}]', 'non-finite'],
  ['[{"ok":true,"value":null},{"ok":true,"value":1}]', 'non-finite'],
  ['[{"ok":true,"value":1e999},{"ok":true,"value":1}]', 'non-finite'],
  ['[{"ok":true,"value":"1"},{"ok":true,"value":1}]', 'malformed'],
  ['[{"ok":true},{"ok":true,"value":1}]', 'malformed'],
  ['[0.5,{"ok":true,"value":1}]', 'malformed'],
  ['[null,{"ok":true,"value":1}]', 'malformed'],
  ['[{"value":3},{"ok":true,"value":1}]', 'malformed'],
])('makes a failure of one image of %s', (results, kind) => {
  expect(parse(results)).toMatchObject([
    { ok: false, kind, retryable: false },
    { ok: true, value: 1 },
  ]);
});

it('leaves NaN inside texts alone', () => {
  const message = 'value "NaN", then Infinity \\';
  const failure = { ok: false, kind: 'x', message, retryable: true };
  const [first] = parse(`[${JSON.stringify(failure)},{"ok":true,"value":NaN}]`);
  expect(first).toEqual(failure);
});

it.each([
  ['[]', undefined, 'wrong-count'],
  ['[{"ok":true,"value":1}]', undefined, 'wrong-count'],
  ['{}', undefined, 'malformed'],
  ['[1,2]', '"reward":"r"', 'malformed'],
  ['[1,2', undefined, 'malformed'],
  ['[1,2]', '"reward":"r","version":"2"', 'version-changed'],
  ['[1,2]', '"reward":"s","version":"1"', 'version-changed'],
])('refuses %s %s whole, as %s', (results, rest, kind) => {
  expect(() => parse(results, rest)).toThrow(expect.objectContaining({ kind }));
});
