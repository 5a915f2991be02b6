/** @throws RangeError unless 0 ≤ decay < 1 */
export function checkDecay(decay: number): void {
  if (!(decay >= 0 && decay < 1)) {
    throw new RangeError(`decay must be at least 0 and below 1 (0.9 is usual), got ${decay}.`);
  }
}
