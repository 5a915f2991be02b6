import type { PredictionType } from './training-noise';

/**
 * x̂0 as a linear function of what the network saw, x = α x0 + √(1−α²) ε with α = 1/√(σ²+1), and of its output.
 *
 * @returns factors of the network's input and of its output
 */
export function originalWeights(
  prediction: PredictionType,
  sigma: number,
): readonly [fromInput: number, fromOutput: number] {
  const signal = 1 / Math.hypot(sigma, 1);
  switch (prediction) {
    case 'epsilon':
      return [1 / signal, -sigma];
    case 'v_prediction':
      return [signal, -sigma * signal];
    case 'sample':
      return [0, 1];
  }
}
