/**
 * The likeliest symbol of each step, repetitions merged and blanks dropped (Graves et al. 2006,
 * best path decoding).
 *
 * @param probabilities `[steps, symbols.length]`
 * @param symbols the first is the blank
 * @returns the text, and the mean probability of the symbols kept: 0 for no text
 */
export function greedyCtc(
  probabilities: Float32Array,
  symbols: readonly string[],
): { text: string; score: number } {
  const classes = symbols.length;
  let text = '';
  let sum = 0;
  let kept = 0;
  let before = 0;
  for (let start = 0; start < probabilities.length; start += classes) {
    let likeliest = 0;
    for (let index = 1; index < classes; index += 1) {
      if (probabilities[start + index]! > probabilities[start + likeliest]!) likeliest = index;
    }
    if (likeliest !== 0 && likeliest !== before) {
      text += symbols[likeliest]!;
      sum += probabilities[start + likeliest]!;
      kept += 1;
    }
    before = likeliest;
  }
  return { text, score: kept === 0 ? 0 : sum / kept };
}
