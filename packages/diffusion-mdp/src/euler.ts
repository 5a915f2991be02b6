/** Euler's method on dx/dσ = (x − x̂0)/σ (Karras et al. 2022, arXiv 2206.00364, algorithm 2 without its second half). */

import { originalWeights } from './original-weights';
import type { EulerConfig } from './sampler-config';
import type { SamplerWeights } from './sampler-weights';

/**
 * x' = x + (σ' − σ)(x − x̂0)/σ for samples x = x0 + σ ε, which the network sees divided by √(σ²+1).
 *
 * @param sigmas `[steps + 1]`, descending
 * @returns `[steps]`
 */
export function eulerWeights(config: EulerConfig, sigmas: readonly number[]): SamplerWeights[] {
  return sigmas.slice(1).map((nextSigma, index) => {
    const sigma = sigmas[index] ?? NaN;
    const inputScale = 1 / Math.hypot(sigma, 1);
    const [fromInput, fromOutput] = originalWeights(config.predictionType, sigma);
    return {
      inputScale,
      originalFromSample: fromInput * inputScale,
      originalFromOutput: fromOutput,
      nextFromSample: nextSigma / sigma,
      nextFromOriginal: 1 - nextSigma / sigma,
      nextFromPrevious: 0,
    };
  });
}
