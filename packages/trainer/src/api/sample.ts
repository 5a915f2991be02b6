/** Images for prompts as files, with exact inputs and outputs for those who compare with another implementation. */
import { join } from 'node:path';

import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';

import { checkNewFile, checkOutputFolder } from '../files/check-output-folder';
import { readBytes } from '../files/read-bytes';
import { writeFileAtomically } from '../files/write-atomically';
import { UserError } from '../user-error';
import { isFirst } from '../workers/find-cluster';
import { draw } from './draw';
import type {
  DrawOptions,
  DrawTrace,
  SampleOptions,
  SampleResult,
  TensorValues,
} from './drawing-options';
import { writeGrid, writeImages } from './sample-files';

const MAXIMUM_TENSOR_FILE_BYTES = 4 * 1024 ** 3;

/**
 * @returns of a worker besides the first, who writes, no images
 * @throws UserError when the folder holds anything, the trace is there, or something is wrong with the model or a file
 */
export async function sampleImages(options: SampleOptions): Promise<SampleResult> {
  const { out, trace, grid, base: withBase, ...drawing } = options;
  // Only the first of several workers writes.
  const writes = isFirst(options.cluster);
  if (writes) checkOutputFolder(out);
  if (trace !== undefined) checkNewFile(trace);
  const given: DrawOptions = {
    ...drawing,
    latents: await readTensor(options.latents, 'latents'),
    noise: await readTensor(options.noise, 'noise'),
    trace: trace !== undefined,
  };
  const own = await draw(given);
  const { onProgress } = options;
  // The model anew, for adapters are added to its weights.
  const base =
    withBase === true
      ? await draw({
          ...{ ...given, lora: undefined, unet: undefined, trace: false },
          onProgress: (phase, fraction) =>
            onProgress?.(phase === 'sampling' ? 'sampling the base' : phase, fraction),
        })
      : undefined;
  if (!writes) return { images: [], withheld: own.withheld + (base?.withheld ?? 0) };
  const result: SampleResult = {
    images: await writeImages(out, own.images, own.prompts),
    base: base && (await writeImages(join(out, 'base'), base.images, base.prompts)),
    grid:
      grid === true
        ? await writeGrid(out, { images: own.images, base: base?.images }, own.prompts)
        : undefined,
    withheld: own.withheld + (base?.withheld ?? 0),
    trace,
    cutOff: own.cutOff,
  };
  if (trace !== undefined && own.trace) writeFileAtomically(trace, traceFile(own.trace));
  return result;
}

async function readTensor(
  path: string | undefined,
  name: string,
): Promise<TensorValues | undefined> {
  if (path === undefined) return undefined;
  const bytes = await readBytes(path, {
    what: `${name} file`,
    maximumBytes: MAXIMUM_TENSOR_FILE_BYTES,
  });
  const { tensors } = readSafetensors(bytes);
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new UserError(
      `The file '${path}' has no tensor '${name}'; it has ${[...tensors.keys()].slice(0, 8).join(', ') || 'none'}.`,
    );
  }
  return { shape: tensor.shape, values: toFloat32Array(tensor) };
}

/** `latents`, `timesteps` and, of a policy, `log_probs` and `noise`. */
function traceFile({ latents, timesteps, logProbs, noise }: DrawTrace): Uint8Array {
  const tensors = {
    latents,
    log_probs: logProbs,
    noise,
    timesteps: { shape: [timesteps.length], values: Float32Array.from(timesteps) },
  };
  return writeSafetensors(
    Object.entries(tensors).flatMap(([name, tensor]) =>
      tensor ? [[name, float32Tensor(tensor.values, tensor.shape)] as const] : [],
    ),
  );
}
