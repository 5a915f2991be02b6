/** The images of an iteration that are learnt from, those that must stay together side by side. */

/**
 * @param advantages `[prompts, k]`, NaN for images that are not learnt from
 * @param pairs whether the best and the worst of a prompt, 1 and −1, are compared with each other
 * @returns the numbers of one image, or of two with the better first, for each unit
 * @throws Error when a prompt has not one image of each kind
 */
export function unitsOf(
  advantages: readonly (readonly number[])[],
  pairs: boolean,
): readonly (readonly number[])[] {
  let first = 0;
  return advantages.flatMap((row) => {
    const start = first;
    first += row.length;
    const chosen = row.flatMap((advantage, sample) => (Number.isNaN(advantage) ? [] : [sample]));
    if (!pairs) return chosen.map((sample) => [start + sample]);
    if (chosen.length === 0) return [];
    const [winner, loser] = [row.indexOf(1), row.indexOf(-1)];
    if (chosen.length !== 2 || winner < 0 || loser < 0) {
      throw new Error(
        `A method that compares pairs must give one image of a prompt the advantage 1, another -1 and the others NaN, but gave ${row.join(', ')}.`,
      );
    }
    return [[start + winner, start + loser]];
  });
}
