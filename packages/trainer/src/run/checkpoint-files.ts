/** What the files of a checkpoint are made of: vectors by name, and JSON. */
import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';
import { z } from 'zod';

import type { CheckpointFiles } from '../run-folder/checkpoint-folder';

/** What the rewards' running scales remember, in the order of the rewards. */
export const scalesSchema = z.array(
  z.object({ count: z.int().nonnegative(), mean: z.number(), squares: z.number() }).nullable(),
);

/** @throws Error when there is no such file */
export function fileOf(files: CheckpointFiles, name: string): Uint8Array {
  const bytes = files[name];
  if (bytes === undefined) throw new Error(`${name} is missing`);
  return bytes;
}

export function jsonFile(contents: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(contents, null, 2)}\n`);
}

/** @throws SyntaxError when it is not JSON */
export function parseJsonFile(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}

export function vectorsFile(vectors: Readonly<Record<string, Float32Array>>): Uint8Array {
  return writeSafetensors(
    Object.entries(vectors).map(([name, numbers]) => [
      name,
      float32Tensor(numbers, [numbers.length]),
    ]),
  );
}

/** @throws Error when the file is damaged, or holds anything but float32 */
export function parseVectorsFile(bytes: Uint8Array): Record<string, Float32Array> {
  const { tensors } = readSafetensors(bytes);
  return Object.fromEntries(
    [...tensors].map(([name, stored]) => [name, toFloat32Array(stored)] as const),
  );
}
