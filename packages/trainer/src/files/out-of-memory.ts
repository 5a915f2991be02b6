/** Memory that was refused, by V8, by Node or by TensorFlow, each in its own words. */
const WORDS = /\bOOM\b|out of memory|allocation failed|failed to allocate|bad_alloc/i;

/** @param error anything that was thrown */
export function isOutOfMemory(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('message' in error)) return false;
  return WORDS.test(String(error.message));
}
