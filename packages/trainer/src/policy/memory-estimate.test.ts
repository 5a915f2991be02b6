import {
  parseAutoencoderConfig,
  parseTextEncoderConfig,
  parseUNetConfig,
} from '@loop-diffusion/diffusion-models';

import { estimateMemory } from './memory-estimate';

/** Stable Diffusion 1.5's, where they differ from diffusers' defaults. */
const configs = {
  unet: parseUNetConfig({ cross_attention_dim: 768, sample_size: 64 }),
  vae: parseAutoencoderConfig({
    block_out_channels: [128, 256, 512, 512],
    down_block_types: new Array<string>(4).fill('DownEncoderBlock2D'),
    up_block_types: new Array<string>(4).fill('UpDecoderBlock2D'),
    layers_per_block: 2,
    sample_size: 512,
  }),
  textEncoders: [
    parseTextEncoderConfig({
      ...{ hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
    }),
  ],
};

test('the weights of Stable Diffusion 1.5 are counted to the number', () => {
  // 859 520 964 of the UNet, 83 653 863 of the autoencoder and 123 060 480 of the text encoder.
  const { weights } = estimateMemory(configs, { guidance: 1 });
  expect(weights).toBe(4 * (859_520_964 + 83_653_863 + 123_060_480));
});

test('what was measured of Stable Diffusion 1.5 lies within a quarter', () => {
  const { decode, update } = estimateMemory(configs, { guidance: 7.5 });
  // An image with the text encoder released, and an iteration of LOOP, as docs/models.md has them.
  expect(decode / 5.74e9).toBeGreaterThan(0.75);
  expect(decode / 5.74e9).toBeLessThan(1.25);
  expect(update / 11.72e9).toBeGreaterThan(0.75);
  expect(update / 11.72e9).toBeLessThan(1.25);
});

test('layers kept as bfloat16 take half; embeddings, norms and the autoencoder what they take', () => {
  const [float32, bfloat16] = (['float32', 'bfloat16'] as const).map((frozenWeights) =>
    estimateMemory(configs, { guidance: 1, frozenWeights }),
  );
  const saved = float32!.weights - bfloat16!.weights;
  // Of the UNet all but 1.6 million numbers and its two layers of the time, of the text encoder 37.9 million embeddings.
  expect(saved / 2).toBeGreaterThan(856e6 + 85e6);
  expect(saved / 2).toBeLessThan(860e6 + 86e6);
  for (const key of ['sample', 'rollout', 'update', 'checkpointedUpdate', 'decode'] as const) {
    expect(float32![key] - bfloat16![key]).toBe(saved);
  }
  // Beside it is what an adapter of the attention layers makes: of each block 6 C² numbers, and 2 · 768 C that read the text.
  const blocks = [320, 640, 1280].map((width) => 6 * width ** 2 + 2 * 768 * width);
  const [first, second, third] = blocks as [number, number, number];
  expect((float32!.rollout - float32!.sample) / 4).toBe(5 * first + 5 * second + 6 * third);
});

test('less is needed with checkpoints, in tiles, and for smaller images', () => {
  const large = estimateMemory(configs, { height: 1024, width: 1024, guidance: 1 });
  const small = estimateMemory(configs, { height: 256, width: 256, guidance: 1 });
  expect(large.checkpointedUpdate).toBeLessThan(large.update);
  expect(large.tiledDecode).toBeLessThan(large.decode);
  for (const key of ['sample', 'update', 'checkpointedUpdate', 'decode'] as const) {
    expect(small[key]).toBeLessThan(large[key]);
    expect(small[key]).toBeGreaterThan(small.weights);
  }
});

test('at 1024 pixels scores are counted as they are held: 64 MB, whatever the heads and rows', () => {
  const large = { height: 1024, width: 1024 };
  const one = estimateMemory(configs, { ...large, guidance: 1 });
  const { middle, scores } = { middle: 6 * 128 ** 2 * 512 * 4, scores: 3 * 2 ** 24 * 4 };
  // The decoder's middle block has one head, of 16,384² scores: 1.1 GB each of three copies, if they were held whole.
  const narrow = { ...configs.vae, blockOutChannels: [8, 8, 8, 512] };
  const bare = estimateMemory({ ...configs, vae: narrow }, { ...large, guidance: 1 });
  expect(bare.decode - 0.45e9 - bare.weights).toBe(middle + scores);
  // Every piece of the first level is of 2²⁴ scores, with one row as with two.
  const two = estimateMemory(configs, { ...large, guidance: 7.5 });
  const [first, second] = [one.sample, two.sample].map((bytes) => bytes - 0.45e9 - one.weights);
  expect(2 * first! - second!).toBeCloseTo(scores, -1);
  expect(one.picture).toBe(1024 * 1024 * 3 * 4);
});
