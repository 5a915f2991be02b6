/** @throws RangeError unless the option is one of those that there are: JavaScript takes any other text for none of them */
export function checkOneOf(name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw new RangeError(`${name} must be one of ${known.join(', ')}, got ${String(value)}.`);
}
