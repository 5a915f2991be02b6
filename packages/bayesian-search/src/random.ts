/** Numbers that are functions of what they are for: nothing is kept, so that a search goes on as if it had not stopped. */

/** What random numbers are for; their first name, after the seed. */
export const streams = { start: 0, others: 1, candidates: 2, path: 3, draws: 4 } as const;

/** MurmurHash3's finaliser of 32 bits: every bit of the result depends on every bit of the argument. */
export function mixBits(bits: number): number {
  let mixed = bits;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * A uniform number of the given names, of which order matters: the same names, the same number.
 *
 * @param names integers
 * @returns in [0, 1)
 */
export function uniform(...names: readonly number[]): number {
  const golden = 0x9e3779b9;
  return mixBits(names.reduce((state, name) => mixBits((state + golden) ^ name), golden)) / 2 ** 32;
}

/** Normal with the standard deviation 1, of the given names (Box and Muller). */
export function normalNumber(...names: readonly number[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(...names, 0)));
  return radius * Math.cos(2 * Math.PI * uniform(...names, 1));
}

/** The numbers 0 … count − 1, shuffled (Fisher–Yates) as `names` say. */
export function permutation(count: number, ...names: readonly number[]): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(uniform(...names, last) * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}
