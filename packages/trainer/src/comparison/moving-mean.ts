/** A smoother curve through noisy figures. */

/**
 * @param window how many figures a mean takes, 1 or more
 * @returns for each figure the mean of it and those before it, `window` in all or as many as there are; figures that are
 *   not finite are left out of the means
 */
export function movingMean(values: readonly number[], window: number): number[] {
  return values.map((_, index) => {
    const finite = values
      .slice(Math.max(0, index + 1 - window), index + 1)
      .filter((value) => Number.isFinite(value));
    return finite.reduce((sum, value) => sum + value, 0) / finite.length;
  });
}
