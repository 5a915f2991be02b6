import { formatPythonJson, parsePythonJson } from './python-json';

test("reads Python's numbers, and leaves strings alone", () => {
  const text = '{"a": -Infinity, "b": [NaN, Infinity, 1], "c": "NaN \\" Infinity"}';
  expect(parsePythonJson(text)).toEqual({
    a: -Infinity,
    b: [NaN, Infinity, 1],
    c: 'NaN " Infinity',
  });
  expect(parsePythonJson('{"a": [1, null]}')).toEqual({ a: [1, null] });
});

test('writes them back', () => {
  const value = { a: -Infinity, b: [NaN, Infinity, 1.5], c: 'NaN', d: null };
  expect(formatPythonJson(value, 2)).toContain('"a": -Infinity');
  expect(parsePythonJson(formatPythonJson(value))).toEqual(value);
});

test.each(['{"a": Infinit}', '{"a": NaN', ''])('refuses %j', (text) => {
  expect(() => parsePythonJson(text)).toThrow(SyntaxError);
});
