const MAXIMUM_LENGTH = 60;

function shortened(text: string): string {
  return text.length > MAXIMUM_LENGTH ? `${text.slice(0, MAXIMUM_LENGTH)}…` : text;
}

/** What a value is, in a few words for a message: `0.5`, `the text "0.5"`, `a list of 3`, `nothing`. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `the text ${JSON.stringify(shortened(value))}`;
  if (typeof value === 'function') return isClass(value) ? 'a class' : 'a function';
  if (typeof value === 'bigint') return `the bigint ${value}`;
  if (typeof value === 'symbol') return 'a symbol';
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return `${value}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  // Typed arrays too. JSON shows nothing of what a Set, a generator or a promise holds.
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (kind !== 'Object') return `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`;
  try {
    return shortened(JSON.stringify(value));
  } catch {
    return 'an object';
  }
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
