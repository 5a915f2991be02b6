/**
 * The configuration of a run: every key with its unit, range and default. The defaults are the embedded task.
 *
 * Only `run-folder`, `weights`, `scoring`, `learning`, `model-card`, `tracking`, `comparison`, `study`, `run`, `api` and
 * `command-line` may import this folder.
 */
import type { BackendName } from '@loop-diffusion/native-tensorflow';
import { z } from 'zod';

import { MANY, oneOf, text, wholeNumber } from '../fields';
import { algorithm } from './sections/algorithm';
import { ema } from './sections/averaging';
import { evaluate, samples } from './sections/evaluation';
import { federated } from './sections/federated';
import { rewards } from './sections/rewards';
import { batch, memory, sampler } from './sections/sampling';
import { checkpoint, guards, tracking } from './sections/upkeep';
import { lora, optimizer } from './sections/weights';

export const BACKEND_NAMES = [
  'tensorflow-gpu',
  'tensorflow',
  'wasm',
  'cpu',
] as const satisfies readonly BackendName[];
export type BackendSetting = BackendName | 'auto';

/** What a configuration file may say. Keys that are left out take these defaults; keys that are not here are errors. */
export const configSchema = z.strictObject({
  output: text(
    "the run's folder, made by the run; left out: runs/ and the name of this file, with a number where it is taken",
  ).optional(),
  model: text(
    'a diffusers folder, hf:owner/name[@revision] on the Hugging Face Hub, or shapes for the embedded model',
  ).default('shapes'),
  iterations: wholeNumber(1, MANY, 'rounds of sampling, scoring and updating').default(150),
  seed: wholeNumber(0, 0xffffffff, 'seed of every draw of the run').default(0),
  backend: oneOf(
    ['auto', ...BACKEND_NAMES],
    'where tensors live; auto takes the fastest there is',
  ).default('auto'),
  precision: oneOf(
    ['float32', 'bfloat16'],
    'of the operands of convolutions and matrix products on the processor; everything else is float32',
  ).default('float32'),
  gradientCheckpointing: z
    .boolean()
    .meta({
      expected: 'true or false',
      description: 'layers keep their input alone for the gradient and run again: less memory',
    })
    .default(false),
  memory,
  prompts: text(
    'shapes for the embedded training prompts, or a text file with a prompt a line',
  ).default('shapes'),
  batch,
  sampler,
  algorithm,
  rewards,
  lora,
  optimizer,
  ema,
  federated,
  evaluate,
  samples,
  tracking,
  checkpoint,
  guards,
});

/** What a configuration file may say, and what may be left out. */
export type TrainSettings = z.input<typeof configSchema>;

/** With what follows from the keys themselves; defaults that depend on other keys may be missing. */
export type ParsedConfig = z.output<typeof configSchema>;

/** The resolved configuration of a run: every key present. */
export type TrainConfig = ParsedConfig & {
  output: string;
  algorithm: { innerUpdates: number };
  evaluate: { prompts: string };
};
