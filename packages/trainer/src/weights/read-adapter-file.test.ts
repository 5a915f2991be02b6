import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { mergeLora } from '@loop-diffusion/diffusion-models';
import { readSafetensors, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { largestDifference, loadPipeline, PIPELINE } from '../testing/fixtures';
import { openAdapter } from './open-adapter';
import { readAdapterFile } from './read-adapter-file';

const LORA = join(PIPELINE, '../lora/a8');

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

/** The adapter with alpha 8 and rank 4 as `save_pretrained` of peft lays it out. */
function writePeftFolder(settings: unknown): void {
  const bytes = readFileSync(join(LORA, 'peft/pytorch_lora_weights.safetensors'));
  const tensors = [...readSafetensors(bytes).tensors].map(
    ([key, tensor]) => [key.replace('unet.', 'base_model.model.'), tensor] as const,
  );
  writeFileSync(join(base, 'adapter_model.safetensors'), writeSafetensors(tensors));
  if (settings === undefined) return;
  writeFileSync(join(base, 'adapter_config.json'), JSON.stringify(settings));
}

/** The model with the adapter merged, beside the one that peft's own scale gives. */
async function differenceFromReference(path: string): Promise<number> {
  const { unet, dispose } = await loadPipeline();
  const merged = async (lora: string) =>
    mergeLora(unet.weights, openAdapter(lora, await readAdapterFile(lora), unet.weights));
  const [ours, expected] = [await merged(path), await merged(join(LORA, 'diffusers_meta'))];
  const differences = Object.entries(expected).map(([key, weight]) =>
    largestDifference(ours[key]!, weight),
  );
  tf.dispose([ours, expected]);
  dispose();
  return Math.max(...differences);
}

test.each([
  [{ peft_type: 'LORA', r: 4, lora_alpha: 8 }],
  [{ peft_type: 'LORA', r: 4, lora_alpha: 4, use_rslora: true }],
  [{ r: 4, lora_alpha: 1, alpha_pattern: { '.*': 8 } }],
])('reads a folder of peft, whose alpha lies beside the weights: %j', async (settings) => {
  writePeftFolder(settings);
  expect(await differenceFromReference(base)).toBe(0);
  expect(await differenceFromReference(join(base, 'adapter_model.safetensors'))).toBe(0);
});

test('refuses an adapter of peft without its settings, or with others', async () => {
  const { unet, dispose } = await loadPipeline();
  const open = async () => openAdapter(base, await readAdapterFile(base), unet.weights);
  writePeftFolder(undefined);
  await expect(open()).rejects.toThrow(/cannot be used: Its alpha is not known: peft keeps it in/);
  writePeftFolder({ lora_alpha: 8, use_dora: true });
  await expect(open()).rejects.toThrow(
    /adapter_config\.json sets use_dora, which is not supported/,
  );
  writeFileSync(join(base, 'adapter_config.json'), '{');
  await expect(open()).rejects.toThrow(/adapter_config\.json' is not valid JSON/);
  dispose();
});

test('a file of diffusers that has the name of peft is not taken for alpha = rank', async () => {
  const plain = readFileSync(join(LORA, 'diffusers/pytorch_lora_weights.safetensors'));
  writeFileSync(join(base, 'adapter_model.safetensors'), plain);
  const { unet, dispose } = await loadPipeline();
  const file = await readAdapterFile(base);
  expect(() => openAdapter(base, file, unet.weights)).toThrow(/alpha is not known/);
  dispose();
});

test('says what is not there', async () => {
  await expect(readAdapterFile(join(base, 'typo'))).rejects.toThrow(
    `Cannot read the adapter '${join(base, 'typo')}': it does not exist; pass a .safetensors file`,
  );
  await expect(readAdapterFile('hf:owner/name')).rejects.toThrow(
    "The adapter 'hf:owner/name' cannot be fetched: hf: is for models",
  );
  symlinkSync('/nowhere', join(base, 'dangling.safetensors'));
  await expect(readAdapterFile(join(base, 'dangling.safetensors'))).rejects.toThrow(
    'does not exist',
  );
  mkdirSync(join(base, 'under-way', 'checkpoints'), { recursive: true });
  await expect(readAdapterFile(join(base, 'under-way'))).rejects.toThrow(
    `each of its folders in '${join(base, 'under-way', 'checkpoints')}' has one`,
  );
  mkdirSync(join(base, 'empty'));
  await expect(readAdapterFile(join(base, 'empty'))).rejects.toThrow(
    /holds no adapter \(pytorch_lora_weights\.safetensors, or peft's adapter_model\.safetensors\)/,
  );
  writeFileSync(join(base, 'old.pt'), 'x');
  await expect(readAdapterFile(join(base, 'old.pt'))).rejects.toThrow('is not a safetensors file');
});
