/** JSON as Python writes and reads it, where numbers may be infinite or none at all. */

/** A string, or one of the numbers that Python's `json` knows and JSON does not. */
const STRING_OR_NUMBER = /("(?:[^"\\]|\\.)*")|-?Infinity|NaN/g;

/** Stands before such a number while it passes through JSON as a string. */
const MARK = '\uffff Python number ';

/**
 * Parses JSON as Python's `json.loads` does: `Infinity`, `-Infinity` and `NaN` become those numbers.
 *
 * @throws SyntaxError when it is no JSON
 */
export function parsePythonJson(text: string): unknown {
  const marked = text.replace(
    STRING_OR_NUMBER,
    (token, string?: string) => string ?? JSON.stringify(MARK + token),
  );
  // Nearly always so, and faster for the large vocabularies.
  if (marked === text) return JSON.parse(text) as unknown;
  return JSON.parse(marked, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value,
  ) as unknown;
}

/** The text that {@link parsePythonJson} reads back. `JSON.stringify` would make null of such numbers. */
export function formatPythonJson(value: unknown, indent = 0): string {
  const text = JSON.stringify(
    value,
    (_key, item: unknown) =>
      typeof item === 'number' && !Number.isFinite(item) ? MARK + String(item) : item,
    indent,
  );
  return text.replaceAll(new RegExp(`"${MARK}(-?Infinity|NaN)"`, 'g'), '$1');
}
