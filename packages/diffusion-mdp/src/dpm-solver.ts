/** DPM-Solver++ in its multistep form, 1M and 2M (Lu et al. 2022, arXiv 2211.01095, algorithm 2). */

import { originalWeights } from './original-weights';
import type { DpmSolverConfig } from './sampler-config';
import type { SamplerWeights } from './sampler-weights';

/**
 * x' = (s'/s) x + α'(1 − e^−h) D with D = x̂0 + (x̂0 − x̂0 of the step before)/(2r) at second order, for samples
 * x = α x0 + s ε with α = 1/√(σ²+1), s = σα. Here h = ln(σ/σ') is the step in λ = ln(α/s), and r the one before over it.
 *
 * @param sigmas `[steps + 1]`, descending
 * @returns `[steps]`
 */
export function dpmSolverWeights(
  config: DpmSolverConfig,
  sigmas: readonly number[],
): SamplerWeights[] {
  const steps = sigmas.length - 1;
  return sigmas.slice(1).map((nextSigma, index) => {
    const sigma = sigmas[index] ?? NaN;
    const nextSignal = 1 / Math.hypot(nextSigma, 1);
    const [originalFromSample, originalFromOutput] = originalWeights(config.predictionType, sigma);
    const towards = nextSignal * (1 - nextSigma / sigma);
    const extrapolated = isSecondOrder(config, index, steps)
      ? extrapolation(config.solverType, nextSignal, nextSigma, sigma, sigmas[index - 1] ?? NaN)
      : 0;
    return {
      inputScale: 1,
      originalFromSample,
      originalFromOutput,
      nextFromSample: (nextSigma * nextSignal * Math.hypot(sigma, 1)) / sigma,
      nextFromOriginal: towards + extrapolated,
      // Not −0 at first order, which nobody expects to read.
      nextFromPrevious: extrapolated === 0 ? 0 : -extrapolated,
    };
  });
}

/** The first step knows no x̂0 before it, and the last is unstable at second order when it is long (section 5 of the paper). */
function isSecondOrder(config: DpmSolverConfig, index: number, steps: number): boolean {
  if (config.solverOrder === 1 || index === 0) return false;
  const firstOrderAtLast =
    config.eulerAtFinal ||
    (config.lowerOrderFinal && steps < 15) ||
    config.finalSigmasType === 'zero';
  return !(firstOrderAtLast && index === steps - 1);
}

/** The factor of x̂0 − x̂0 of the step before: α'(1 − e^−h)/(2r), or α'(1 − (1 − e^−h)/h)/r with Heun's. */
function extrapolation(
  solverType: DpmSolverConfig['solverType'],
  nextSignal: number,
  nextSigma: number,
  sigma: number,
  previousSigma: number,
): number {
  const step = Math.log(sigma / nextSigma);
  const inverseRatio = step / Math.log(previousSigma / sigma);
  const towards = 1 - nextSigma / sigma;
  if (solverType === 'midpoint') return (nextSignal * towards * inverseRatio) / 2;
  return step === 0 ? 0 : nextSignal * (1 - towards / step) * inverseRatio;
}
