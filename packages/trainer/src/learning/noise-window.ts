/** Noise in a few denoise steps at a time, the others deterministic: MixGRPO's window. */
import { counterUniform } from '@loop-diffusion/diffusion-mdp';

import { STREAMS } from '../noise-streams';

export interface NoiseWindowOptions {
  /** Steps with noise, at least 1. */
  readonly size: number;
  /** Steps that the window moves by, at least 1. */
  readonly stride: number;
  /** Iterations after which it moves, at least 1. */
  readonly every: number;
  /**
   * `sliding` from the noisiest steps to the last window, which ends with the last step whatever the stride, and back to the
   * beginning; `random` to a place drawn anew, each as likely as any other; `fixed` at the noisiest steps.
   */
  readonly order: 'sliding' | 'random' | 'fixed';
}

/**
 * The denoise steps that have noise in an iteration, as in MixGRPO (arXiv:2507.21802): SDE within the window, ODE elsewhere,
 * and only the window's steps are trained, for the others have no density. Published: 4 of 25 steps, stride 1, every 25
 * iterations.
 *
 * The window is whole always, and its last place is met exactly: l ← min(l + stride, steps − size). (The released code lets
 * windows be cut off, and one be empty, before it rolls back.)
 *
 * @param trainableSteps indices of the steps that may have noise, ascending
 * @param iteration counted from 0
 * @returns indices, ascending; all of them where there are no more than the window's size
 */
export function noiseWindow(
  options: NoiseWindowOptions,
  trainableSteps: readonly number[],
  seed: number,
  iteration: number,
): readonly number[] {
  const { size, every } = options;
  const last = Math.max(trainableSteps.length - size, 0);
  const start = windowStart(options, last, seed, Math.floor(iteration / every));
  return trainableSteps.slice(start, start + size);
}

/** @param last place @param moves so far @returns 0 to `last` */
function windowStart(
  { order, stride }: NoiseWindowOptions,
  last: number,
  seed: number,
  moves: number,
): number {
  switch (order) {
    case 'fixed':
      return 0;
    case 'sliding':
      return Math.min((moves % (Math.ceil(last / stride) + 1)) * stride, last);
    case 'random': {
      const key = { seed, prompt: moves, sample: 0, step: 0, stream: STREAMS.noiseWindow };
      return Math.floor((counterUniform(key, 1)[0] ?? 0) * (last + 1));
    }
  }
}
