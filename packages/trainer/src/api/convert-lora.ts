/** An adapter's file in another layout. */
import {
  loraToKohyaSafetensors,
  loraToSafetensors,
  parseUNetConfig,
  unetShapes,
  type Shaped,
} from '@loop-diffusion/diffusion-models';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

import { checkNewFile } from '../files/check-output-folder';
import { writeFileAtomically } from '../files/write-atomically';
import { UserError } from '../user-error';
import { openAdapter } from '../weights/open-adapter';
import { readAdapterFile } from '../weights/read-adapter-file';
import { resolveModel } from '../weights/resolve-model';

/** A layout that adapters are written in. */
export type LoraLayout = 'diffusers' | 'kohya';

const WRITERS = { diffusers: loraToSafetensors, kohya: loraToKohyaSafetensors };

export interface ConvertLoraOptions {
  /** Whose UNet names the modules; of its files only `unet/config.json` is read. */
  readonly model: string;
  readonly lora: string;
  readonly to: LoraLayout;
  /** A `.safetensors` file that does not exist. */
  readonly out: string;
  /** Leave out what the adapter changes of the text encoder, which is refused else. */
  readonly unetOnly?: boolean | undefined;
}

export interface ConvertedLora {
  readonly file: string;
  readonly layout: LoraLayout;
  /** How many modules it adapts. */
  readonly modules: number;
  /** The largest of the modules' ranks, and the alpha that belongs to it. */
  readonly rank: number;
  readonly alpha: number;
}

/** @throws UserError that says what is wrong with the model, the adapter or the file */
export async function convertLora(options: ConvertLoraOptions): Promise<ConvertedLora> {
  const { lora, to, out } = options;
  checkNewFile(out);
  const unet = await readShapes(options.model);
  const file = await readAdapterFile(lora);
  await useBestBackend({ quiet: true });
  const adapter = openAdapter(lora, file, unet, options);
  try {
    writeFileAtomically(out, WRITERS[to](adapter));
    const { rank, alpha } = adapter.config;
    const modules = Object.keys(adapter.weights).length / 2;
    return { file: out, layout: to, modules, rank, alpha };
  } finally {
    tf.dispose(adapter.weights);
  }
}

async function readShapes(model: string): Promise<Shaped> {
  const reader = await resolveModel(model);
  const bytes = await reader.read('unet/config.json');
  try {
    const config = parseUNetConfig(JSON.parse(new TextDecoder().decode(bytes)) as unknown);
    const shapes = Object.entries(unetShapes(config));
    return Object.fromEntries(shapes.map(([key, shape]) => [key, { shape }]));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`unet/config.json of the model '${model}' cannot be used: ${reason}`, {
      cause: error,
    });
  }
}
