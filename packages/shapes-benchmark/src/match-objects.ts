/**
 * Pairs wanted objects with found ones so that the sum of their qualities is largest.
 *
 * @param qualities `[wanted, found]`, each ≥ 0; at most 4 wanted and a handful found, so that trying
 * every assignment is cheapest
 * @returns for each wanted object the index of its found one, or −1; as many are paired as possible
 */
export function matchObjects(qualities: readonly (readonly number[])[]): number[] {
  const foundCount = qualities[0]?.length ?? 0;
  const skipsAllowed = Math.max(0, qualities.length - foundCount);
  const current: number[] = [];
  const taken = new Array<boolean>(foundCount).fill(false);
  let best: number[] = qualities.map(() => -1);
  let bestSum = -1;

  function assign(wanted: number, sum: number, skips: number): void {
    const row = qualities[wanted];
    if (row === undefined) {
      if (sum > bestSum) {
        bestSum = sum;
        best = [...current];
      }
      return;
    }
    for (const [found, quality] of row.entries()) {
      if (taken[found] === true) continue;
      taken[found] = true;
      current.push(found);
      assign(wanted + 1, sum + quality, skips);
      current.pop();
      taken[found] = false;
    }
    if (skips < skipsAllowed) {
      current.push(-1);
      assign(wanted + 1, sum, skips + 1);
      current.pop();
    }
  }

  assign(0, 0, 0);
  return best;
}
