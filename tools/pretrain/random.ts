import { counterNormal, counterUniform } from '@loop-diffusion/diffusion-mdp';
import type { RandomSource } from '@loop-diffusion/diffusion-models';

/** Every use of randomness draws from a stream of its own, so that no two ever see the same numbers. */
export const streams = {
  autoencoderWeights: 1,
  unetWeights: 2,
  textEncoderWeights: 3,
  scenes: 4,
  autoencoderBatches: 5,
  autoencoderNoise: 6,
  diffusionBatches: 7,
  diffusionNoise: 8,
  samplingNoise: 9,
} as const;

export type Stream = (typeof streams)[keyof typeof streams];

/** `count` standard normals that depend on the stream, the index and the seed alone. */
export function normals(seed: number, stream: Stream, index: number, count: number): Float32Array {
  return counterNormal({ seed, prompt: index, sample: 0, step: 0, stream }, count);
}

/** `count` uniforms in [0, 1) that depend on the stream, the index and the seed alone. */
export function uniforms(seed: number, stream: Stream, index: number, count: number): Float32Array {
  return counterUniform({ seed, prompt: index, sample: 0, step: 0, stream }, count);
}

/** A generator for initial weights: each request takes the next block of the stream. */
export function weightGenerator(seed: number, stream: Stream): RandomSource {
  let index = 0;
  return {
    normal: (count) => normals(seed, stream, index++, count),
    uniform: (count) => uniforms(seed, stream, index++, count),
  };
}

/** An endless row of uniforms for one item (a scene), the same whatever was drawn for other items. */
export function uniformStream(seed: number, stream: Stream, item: number): () => number {
  const blockLength = 64;
  let block: Float32Array = new Float32Array(0);
  let position = 0;
  let blocks = 0;
  return () => {
    if (position === block.length) {
      block = counterUniform(
        { seed, prompt: item, sample: 0, step: blocks++, stream },
        blockLength,
      );
      position = 0;
    }
    return block[position++] ?? 0;
  };
}
