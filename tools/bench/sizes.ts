/** How large the cases' work is: as reported, and as small as can be, to try out the suite itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseUNetConfig } from '@loop-diffusion/diffusion-models';
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';

import { CONFIGURATIONS } from '../full-size/configurations';

const { unet, vae }: Record<'unet' | 'vae', Record<string, unknown>> = CONFIGURATIONS.sd15;

export type Sizes = typeof fullSizes;

/** The `unet/config.json` of the shipped model. */
function miniatureConfig(): Record<string, unknown> {
  const file = join(shapesModelFolder(), 'unet', 'config.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

const miniature = {
  config: miniatureConfig(),
  latentSize: parseUNetConfig(miniatureConfig()).sampleSize,
  /** What its tokenizer cuts prompts at. */
  tokens: 16,
};

export const fullSizes = {
  iteration: { prompts: 8, k: 4, steps: 20, batch: 64 },
  miniature: { ...miniature, batch: 64 },
  large: {
    ...{ config: unet, latentSize: 64, tokens: 77 },
    /** The most that a worker takes, in 10⁹ bytes. */
    gigabytes: { forward: 5, gradient: 8 },
  },
  /** A backward pass takes one pair of image and step: that fits beside the other worker, see README. */
  largeIteration: { prompts: 1, k: 2, steps: 4, batch: 2, updateBatch: 1, group: 1 },
  largeDecoder: { config: vae, latentSize: 64, batch: 1, gigabytes: 4 },
  blocks: {
    ...{ batch: 4, channels: 320, size: 32, timeChannels: 1280, heads: 8, groups: 32 },
    ...{ tokens: 77, textChannels: 768, loraRank: 8 },
  },
  operations: {
    ...{ batch: 4, channels: 320, size: 32, heads: 8, groups: 32, matrix: 2048, calls: 10 },
  },
  /** The levels of `large`, of as many rows as its forward pass has. */
  largeOperations: [
    { batch: 2, channels: 320, size: 64, heads: 8, groups: 32, matrix: 2048, calls: 3 },
    { batch: 2, channels: 640, size: 32, heads: 8, groups: 32, matrix: 2048, calls: 5 },
    { batch: 2, channels: 1280, size: 16, heads: 8, groups: 32, matrix: 2048, calls: 5 },
    { batch: 2, channels: 1280, size: 8, heads: 8, groups: 32, matrix: 2048, calls: 10 },
  ],
  scaling: {
    k: [2, 4, 8],
    steps: [5, 10, 20],
    batch: [8, 16, 32, 64],
    latentSize: [8, 16],
  },
};

export const smokeSizes: Sizes = {
  iteration: { prompts: 1, k: 2, steps: 2, batch: 2 },
  miniature: { ...miniature, batch: 2 },
  large: {
    config: { ...unet, block_out_channels: [32, 32, 64, 64] },
    ...{ latentSize: 16, tokens: 77, gigabytes: { forward: 0, gradient: 0 } },
  },
  largeIteration: { prompts: 1, k: 2, steps: 2, batch: 2, updateBatch: 1, group: 1 },
  largeDecoder: {
    config: { ...vae, block_out_channels: [32, 32, 32, 32] },
    ...{ latentSize: 8, batch: 1, gigabytes: 0 },
  },
  blocks: {
    ...{ batch: 2, channels: 64, size: 8, timeChannels: 64, heads: 8, groups: 32 },
    ...{ tokens: 16, textChannels: 32, loraRank: 2 },
  },
  operations: {
    ...{ batch: 2, channels: 64, size: 8, heads: 8, groups: 32, matrix: 64, calls: 1 },
  },
  largeOperations: [
    { batch: 2, channels: 64, size: 8, heads: 8, groups: 32, matrix: 64, calls: 1 },
  ],
  scaling: { k: [2], steps: [2], batch: [2], latentSize: [8] },
};
