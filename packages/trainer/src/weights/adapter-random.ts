import { counterNormal, counterUniform } from '@loop-diffusion/diffusion-mdp';
import type { RandomSource } from '@loop-diffusion/diffusion-models';

import { STREAMS } from '../noise-streams';

/** For the first weights of an adapter: each call draws the next array of the adapter's own stream. */
export function adapterRandom(seed: number): RandomSource {
  let calls = 0;
  const nextKey = () => ({ seed, prompt: 0, sample: 0, step: calls++, stream: STREAMS.adapter });
  return {
    normal: (count) => counterNormal(nextKey(), count),
    uniform: (count) => counterUniform(nextKey(), count),
  };
}
