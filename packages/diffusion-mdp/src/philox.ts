/**
 * Philox4x32-10, the counter-based generator of "Parallel Random Numbers: As Easy as 1, 2, 3" (Salmon et al., SC 2011):
 * a keyed bijection of 128-bit counters, so that any block is computed without the ones before it.
 */

/** Four unsigned 32-bit words. */
export type PhiloxCounter = readonly [number, number, number, number];
/** Two unsigned 32-bit words. */
export type PhiloxKey = readonly [number, number];

const ROUNDS = 10;
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
/** The key's steps between rounds: the golden ratio and √3 − 1. */
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/**
 * One block of Random123's `philox4x32` with 10 rounds.
 *
 * @param counter four words, 0 to 2³² − 1
 * @param key two words, 0 to 2³² − 1
 * @returns four words, 0 to 2³² − 1
 */
export function philox4x32(
  counter: PhiloxCounter,
  key: PhiloxKey,
): [number, number, number, number] {
  for (const word of [...counter, ...key]) checkWord('A word of a Philox counter or key', word);
  const block = new Uint32Array(4);
  fillPhilox(block, counter, key);
  const [word0 = 0, word1 = 0, word2 = 0, word3 = 0] = block;
  return [word0, word1, word2, word3];
}

/** Fills `words` with the blocks of `first` and the counters after it, which differ in their first word; without checks. */
export function fillPhilox(words: Uint32Array, first: PhiloxCounter, key: PhiloxKey): void {
  for (let offset = 0; offset < words.length; offset += 4) {
    let word0 = (first[0] + offset / 4) | 0;
    let word1 = first[1] | 0;
    let word2 = first[2] | 0;
    let word3 = first[3] | 0;
    let bump0 = key[0] | 0;
    let bump1 = key[1] | 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const high0 = highWord(MULTIPLIER_0, word0);
      const low0 = Math.imul(MULTIPLIER_0, word0);
      const high1 = highWord(MULTIPLIER_1, word2);
      const low1 = Math.imul(MULTIPLIER_1, word2);
      word0 = high1 ^ word1 ^ bump0;
      word1 = low1;
      word2 = high0 ^ word3 ^ bump1;
      word3 = low0;
      bump0 = (bump0 + WEYL_0) | 0;
      bump1 = (bump1 + WEYL_1) | 0;
    }
    words[offset] = word0;
    words[offset + 1] = word1;
    words[offset + 2] = word2;
    words[offset + 3] = word3;
  }
}

/** The upper 32 bits of the 64-bit product, from 16-bit halves: every partial sum stays below 2³². */
function highWord(left: number, right: number): number {
  const leftLow = left & 0xffff;
  const leftHigh = left >>> 16;
  const rightLow = right & 0xffff;
  const rightHigh = right >>> 16;
  const carry = Math.imul(leftLow, rightLow) >>> 16;
  const middle = (Math.imul(leftLow, rightHigh) + carry) | 0;
  const cross = (Math.imul(leftHigh, rightLow) + (middle & 0xffff)) | 0;
  return (Math.imul(leftHigh, rightHigh) + (middle >>> 16) + (cross >>> 16)) | 0;
}

/** @throws RangeError unless `value` is an unsigned 32-bit integer */
export function checkWord(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`${name} must be a whole number from 0 to 2^32 - 1, got ${value}.`);
  }
}
