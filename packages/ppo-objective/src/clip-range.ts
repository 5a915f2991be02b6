/**
 * A clip range that acts, for a latent of this many dimensions: 0.0128 / √D.
 *
 * Log-probabilities are means over D dimensions, so when the policy's mean moves by δσ in each, log-ratios spread by δ/√D.
 * The 1e-4 of DDPO and TRL belongs to D = 16,384 (64×64×4) and amounts to δ = 0.0128; the same δ is 4e-4 at D = 1,024 and
 * 8e-4 at D = 256. A range carried over without this scale either clips everything or nothing.
 *
 * @param dimensions height × width × channels of the latent, ≥ 1
 */
export function scaleClipRange(dimensions: number): number {
  if (!Number.isSafeInteger(dimensions) || dimensions < 1) {
    throw new RangeError(
      `The latent's dimensions must be a whole number of at least 1, got ${dimensions}.`,
    );
  }
  return 0.0128 / Math.sqrt(dimensions);
}

/** @throws RangeError unless `clipRange` is a positive number */
export function checkClipRange(clipRange: number): void {
  if (!(clipRange > 0 && Number.isFinite(clipRange))) {
    throw new RangeError(
      `clipRange must be a number above 0, got ${clipRange}. scaleClipRange(dimensions) gives one that fits the latent.`,
    );
  }
}
