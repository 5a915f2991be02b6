/**
 * Writes a diffusers folder of a published model's size with random weights, to measure what such a model costs.
 *
 *   node -C @loop/source --import tsx full-size/write-model.ts --model sd15|sd21|sdxl --out FOLDER [--dtype F16|F32]
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import {
  autoencoderShapes,
  parseAutoencoderConfig,
  parseTextEncoderConfig,
  parseUNetConfig,
  textEncoderShapes,
  unetShapes,
  type WeightShapes,
} from '@loop-diffusion/diffusion-models';
import { float16Tensor, float32Tensor, safetensorsChunks } from '@loop-diffusion/safetensors';

import { repeatingRandom } from '../bench/workers/random-source';
import { CONFIGURATIONS, type ModelConfiguration, type ModelName } from './configurations';
import { clipSizedVocabulary } from './vocabulary';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    out: { type: 'string' },
    dtype: { type: 'string', default: 'F16' },
  },
});
const { model: name, out, dtype } = values;
const isKnown = (key: string | undefined): key is ModelName =>
  key !== undefined && Object.hasOwn(CONFIGURATIONS, key);
if (!isKnown(name) || out === undefined || (dtype !== 'F16' && dtype !== 'F32')) {
  console.error(
    `write-model --model ${Object.keys(CONFIGURATIONS).join('|')} --out FOLDER [--dtype F16|F32]`,
  );
  process.exit(2);
}
const model: ModelConfiguration = CONFIGURATIONS[name];
const folder = out;

function json(path: string, value: unknown): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Norms 1 and 0, all else uniform in ±1 / √(inputs of one output), as PyTorch's layers start. */
function weights(path: string, shapes: WeightShapes): void {
  const encode = dtype === 'F16' ? float16Tensor : float32Tensor;
  const random = repeatingRandom(0);
  const tensors = Object.entries(shapes).map(([key, shape]) => {
    // Kernels are [height, width, in, out] here and [out, in, height, width] in files.
    const [a = 1, b = 1, c = 1, d = 1] = shape;
    const stored = shape.length === 4 ? [d, c, a, b] : shape;
    const count = a * b * c * d;
    const bytes = (): Uint8Array => {
      if (shape.length === 1) {
        const value = key.endsWith('.bias') ? 0 : 1;
        return encode(new Float32Array(count).fill(value), stored).bytes;
      }
      const bound = Math.sqrt((stored[0] as number) / count);
      const drawn = random.uniform(count);
      for (let index = 0; index < count; index += 1) {
        drawn[index] = (2 * (drawn[index] as number) - 1) * bound;
      }
      return encode(drawn, stored).bytes;
    };
    return [key, { dtype: dtype as 'F16' | 'F32', shape: stored, bytes }] as const;
  });
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  const descriptor = openSync(file, 'wx');
  for (const chunk of safetensorsChunks(tensors, { format: 'pt' })) {
    for (let start = 0; start < chunk.length; start += 2 ** 30) {
      writeSync(descriptor, chunk.subarray(start, start + 2 ** 30));
    }
  }
  closeSync(descriptor);
}

const { vocab, merges } = clipSizedVocabulary();
const suffixes = model.textEncoders.map((_, index) => (index === 0 ? '' : '_2'));
json('model_index.json', {
  _class_name: model.isXl ? 'StableDiffusionXLPipeline' : 'StableDiffusionPipeline',
  _diffusers_version: '0.35.2',
  ...(model.isXl
    ? { force_zeros_for_empty_prompt: true }
    : { requires_safety_checker: false, safety_checker: [null, null] }),
  feature_extractor: [null, null],
  image_encoder: [null, null],
  scheduler: ['diffusers', model.scheduler['_class_name']],
  ...Object.fromEntries(
    suffixes.flatMap((suffix, index) => [
      [
        `text_encoder${suffix}`,
        ['transformers', (model.textEncoders[index]?.['architectures'] as string[])[0]],
      ],
      [`tokenizer${suffix}`, ['transformers', 'CLIPTokenizer']],
    ]),
  ),
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
});
json('scheduler/scheduler_config.json', model.scheduler);
for (const [index, suffix] of suffixes.entries()) {
  const padding = model.paddings[index];
  json(`tokenizer${suffix}/vocab.json`, vocab);
  writeFileSync(join(folder, `tokenizer${suffix}/merges.txt`), merges);
  json(`tokenizer${suffix}/special_tokens_map.json`, {
    bos_token: '<|startoftext|>',
    eos_token: '<|endoftext|>',
    pad_token: padding,
    unk_token: '<|endoftext|>',
  });
  json(`tokenizer${suffix}/tokenizer_config.json`, {
    tokenizer_class: 'CLIPTokenizer',
    model_max_length: 77,
    pad_token: padding,
  });
  const config = { ...model.textEncoders[index], vocab_size: 49408 };
  json(`text_encoder${suffix}/config.json`, config);
  weights(
    `text_encoder${suffix}/model.safetensors`,
    textEncoderShapes(parseTextEncoderConfig(config)),
  );
}
const unet = { _class_name: 'UNet2DConditionModel', ...model.unet };
json('unet/config.json', unet);
weights('unet/diffusion_pytorch_model.safetensors', unetShapes(parseUNetConfig(unet)));
const vae = { _class_name: 'AutoencoderKL', ...model.vae };
json('vae/config.json', vae);
weights('vae/diffusion_pytorch_model.safetensors', autoencoderShapes(parseAutoencoderConfig(vae)));
console.log(folder);
