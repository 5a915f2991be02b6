import type { SafetensorsFile, SafetensorsTensor } from '@loop-diffusion/safetensors';
import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import type { LoraAdapter, Weights } from '../types';
import { parseAdapterKey } from './adapter-keys';
import { downKey, linearShape, modulePaths, targetOf, upKey } from './adapter-paths';
import { ADAPTER_METADATA, UNET_PREFIX } from './lora-to-safetensors';

/**
 * Reads an adapter in any of the layouts that {@link parseAdapterKey} knows. Alpha comes from kohya's `.alpha` tensors or from
 * diffusers' metadata; a file with neither means alpha = rank.
 *
 * The result has one rank and one alpha: where modules of the file differ, the difference is put into their `up`.
 *
 * @param unetWeights the model that the adapter is for
 * @returns plain float32 tensors, which the caller disposes
 * @throws SafetensorsError for a malformed file; Error when it is no such adapter or one of another model
 */
export function loraFromSafetensors(bytes: Uint8Array, unetWeights: Weights): LoraAdapter {
  const file = readSafetensors(bytes);
  const modules = collectModules(file, modulePaths(unetWeights));
  const fileAlpha = alphaFromMetadata(file);
  if (modules.size === 0) throw new Error('The adapter file holds no tensors.');

  const factors = [...modules].map(([path, parts]) =>
    checkModule(path, parts, fileAlpha, unetWeights),
  );
  const rank = Math.max(...factors.map((factor) => factor.rank));
  const alpha = factors.find((factor) => factor.rank === rank)?.alpha ?? rank;
  const weights: Record<string, tf.Tensor> = {};
  for (const { path, down, up, rank: ownRank, alpha: ownAlpha } of factors) {
    const correction = ownAlpha / ownRank / (alpha / rank);
    const upValues = toFloat32Array(up);
    weights[downKey(path)] = tf.tensor(toFloat32Array(down), [...down.shape], 'float32');
    weights[upKey(path)] = tf.tensor(
      correction === 1 ? upValues : upValues.map((value) => value * correction),
      [...up.shape],
      'float32',
    );
  }
  const targets = [...new Set(factors.map(({ path }) => targetOf(path)))].sort();
  return { config: { rank, alpha, targets }, weights };
}

type ModuleParts = Partial<Record<'down' | 'up' | 'alpha', SafetensorsTensor>>;

interface ModuleFactors {
  readonly path: string;
  readonly down: SafetensorsTensor;
  readonly up: SafetensorsTensor;
  readonly rank: number;
  readonly alpha: number;
}

/** The file's tensors by the module that they change, in the order of the sorted paths. */
function collectModules(
  file: SafetensorsFile,
  paths: readonly string[],
): ReadonlyMap<string, ModuleParts> {
  const modules = new Map<string, ModuleParts>();
  for (const [key, tensor] of file.tensors) {
    const { path, part } = parseAdapterKey(key, paths);
    const parts = modules.get(path) ?? {};
    if (parts[part] !== undefined) {
      throw new Error(`The adapter gives the ${part} part of ${JSON.stringify(path)} twice.`);
    }
    modules.set(path, { ...parts, [part]: tensor });
  }
  return new Map([...modules].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function checkModule(
  path: string,
  { down, up, alpha }: ModuleParts,
  fileAlpha: number | undefined,
  unetWeights: Weights,
): ModuleFactors {
  const [outputs, inputs] = linearShape(
    unetWeights,
    path,
    'The adapter is of another model: it changes',
  );
  if (down === undefined || up === undefined) {
    const missing = down === undefined ? 'down' : 'up';
    throw new Error(`The adapter lacks the ${missing} part of ${JSON.stringify(path)}.`);
  }
  const rank = down.shape[0] ?? 0;
  const fits =
    rank > 0 && sameShape(down.shape, [rank, inputs]) && sameShape(up.shape, [outputs, rank]);
  if (!fits) {
    throw new Error(
      `The adapter is of another model: for ${JSON.stringify(path)} of shape [${outputs}, ${inputs}] it has down [${down.shape.join(', ')}] and up [${up.shape.join(', ')}], expected [rank, ${inputs}] and [${outputs}, rank].`,
    );
  }
  return {
    path,
    down,
    up,
    rank,
    alpha: alpha === undefined ? (fileAlpha ?? rank) : scalar(path, alpha),
  };
}

function scalar(path: string, tensor: SafetensorsTensor): number {
  const [value, ...rest] = toFloat32Array(tensor);
  if (value === undefined || rest.length > 0 || !(value > 0) || value === Infinity) {
    throw new Error(`The adapter's alpha of ${JSON.stringify(path)} must be one positive number.`);
  }
  return value;
}

/** `lora_alpha` of the file's metadata. @throws Error for settings that change what the factors mean */
function alphaFromMetadata(file: SafetensorsFile): number | undefined {
  const text = file.metadata[ADAPTER_METADATA];
  if (text === undefined) return undefined;
  const fail = (reason: string): never => {
    throw new Error(`The adapter's ${ADAPTER_METADATA} ${reason}.`);
  };
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch {
    return fail('is not valid JSON');
  }
  if (typeof settings !== 'object' || settings === null) return fail('must hold a JSON object');
  const value = (name: string): unknown =>
    (settings as Record<string, unknown>)[UNET_PREFIX + name];
  for (const name of ['use_dora', 'use_rslora', 'use_qalora', 'lora_bias', 'fan_in_fan_out']) {
    if (value(name) === true) fail(`sets ${name}, which is not supported`);
  }
  for (const name of ['alpha_pattern', 'rank_pattern']) {
    const pattern = value(name);
    if (typeof pattern === 'object' && pattern !== null && Object.keys(pattern).length > 0) {
      fail(`sets ${name}, which is not supported`);
    }
  }
  const alpha = value('lora_alpha');
  if (alpha === undefined || alpha === null) return undefined;
  if (typeof alpha !== 'number' || !Number.isFinite(alpha) || alpha <= 0) {
    return fail(`gives lora_alpha = ${JSON.stringify(alpha)}, expected a positive number`);
  }
  return alpha;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}
