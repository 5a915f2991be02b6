import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseUNetConfig } from '../unet/config';
import { unetShapes } from '../unet/unet-shapes';
import { modulePaths } from './adapter-paths';
import { pathsByKohyaName } from './kohya-names';

const file = join(__dirname, '../../fixtures/lora-any-layer/cases.json');
const { original_names: known } = JSON.parse(readFileSync(file, 'utf8')) as {
  original_names: Record<'sd1' | 'sdxl', Record<string, string>>;
};

const SMALL = { cross_attention_dim: 8, norm_num_groups: 4, attention_head_dim: 4 };
const sd1 = parseUNetConfig({ ...SMALL, block_out_channels: [8, 16, 16, 16] });
const sdxl = parseUNetConfig({
  ...SMALL,
  block_out_channels: [8, 16, 16],
  down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
  up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
  transformer_layers_per_block: [1, 1, 2],
});

describe.each([
  ['sd1', sd1],
  ['sdxl', sdxl],
] as const)('names of %s', (name, config) => {
  const names = pathsByKohyaName(modulePaths(unetShapes(config)));

  it('of the original code are those that diffusers 0.35.2 reads', () => {
    const entries = Object.entries(known[name]);
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.map(([original]) => [original, names.get(original)])).toEqual(entries);
  });

  it('of diffusers are paths with underscores', () => {
    expect(names.get('mid_block_attentions_0_transformer_blocks_0_ff_net_0_proj')).toBe(
      'mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj',
    );
  });
});

it('knows what diffusers does not convert', () => {
  const names = pathsByKohyaName(modulePaths(unetShapes(sd1)));
  // The sampler after a block without attention is its second part, not its third (openaimodel.py).
  expect(names.get('output_blocks_2_1_conv')).toBe('up_blocks.0.upsamplers.0.conv');
  expect(names.get('input_blocks_0_0')).toBe('conv_in');
  expect(names.get('out_2')).toBe('conv_out');
  expect(names.get('time_embed_2')).toBe('time_embedding.linear_2');
});
