/** A policy of one number, N(μ, σ²), whose gradients and their variances are known exactly. */
import { counterNormal } from '@loop-diffusion/diffusion-mdp';

import type { ScoredImages } from '../gradient-variance/score-moments';

export const GAUSSIAN = { mean: 1, deviation: 0.5 };

/** An image is a number x; its score is that of μ, (x − μ) / σ². */
export interface GaussianImages {
  /** `[K]` */
  readonly rewards: readonly number[];
  /** `[K]` */
  readonly scores: readonly number[];
}

/** @param prompt whose images they are: each has other numbers */
export function drawGaussian(
  images: number,
  rewardOf: (image: number) => number,
  prompt = 0,
): GaussianImages {
  const { mean, deviation } = GAUSSIAN;
  const drawn = [...counterNormal({ seed: 7, prompt, sample: 0, step: 0 }, images)];
  return {
    rewards: drawn.map((normal) => rewardOf(mean + deviation * normal)),
    scores: drawn.map((normal) => normal / deviation),
  };
}

/** With the products of all pairs. */
export function withProducts<Images extends GaussianImages>(images: Images): Images & ScoredImages {
  const { scores } = images;
  const gram = Float64Array.from(scores.flatMap((one) => scores.map((other) => one * other)));
  return { ...images, gram };
}
