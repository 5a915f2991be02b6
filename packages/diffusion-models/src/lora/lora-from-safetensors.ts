import type { SafetensorsFile, SafetensorsTensor } from '@loop-diffusion/safetensors';
import { float32Tensor, readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import type { LoraAdapter } from '../types';
import { weightsFromSafetensors } from '../weights';
import { parseAdapterKey } from './adapter-keys';
import { alphaFromMetadata } from './adapter-metadata';
import { downKey, modulePaths, upKey } from './adapter-paths';
import { targetsOf } from './adapter-targets';
import type { Shaped } from './factor-shapes';
import { storedShapes } from './factor-shapes';
import { pathsByKohyaName } from './kohya-names';

/**
 * Reads an adapter in any of the layouts that {@link parseAdapterKey} knows, of linear layers and convolutions. Alpha comes from
 * kohya's `.alpha` tensors or from diffusers' metadata, `alpha_pattern` included; a module with neither has alpha = rank.
 *
 * The result has one scale alpha / rank: where modules of the file differ, the difference is put into their `up`. Ranks may
 * differ still; `config.rank` is the largest.
 *
 * @param unet the weights of the model that the adapter is for, or their shapes alone
 * @returns plain float32 tensors, which the caller disposes
 * @throws SafetensorsError for a malformed file; Error when it is no such adapter or one of another model
 */
export function loraFromSafetensors(bytes: Uint8Array, unet: Shaped): LoraAdapter {
  const file = readSafetensors(bytes);
  const paths = modulePaths(unet);
  const modules = collectModules(file, paths);
  const alphaOf = alphaFromMetadata(file);
  if (modules.size === 0) throw new Error('The adapter file holds no tensors.');

  const factors = [...modules].map(([path, parts]) => checkModule(path, parts, alphaOf, unet));
  const rank = Math.max(...factors.map((factor) => factor.rank));
  const alpha = factors.find((factor) => factor.rank === rank)?.alpha ?? rank;
  const stored = factors.flatMap(({ path, down, up, rank: ownRank, alpha: ownAlpha }) => {
    const correction = ownAlpha / ownRank / (alpha / rank);
    const tensors: [string, SafetensorsTensor][] = [
      [downKey(path), down],
      [upKey(path), correction === 1 ? up : scaled(up, correction)],
    ];
    return tensors;
  });
  return {
    config: { rank, alpha, targets: targetsOf([...modules.keys()], paths) },
    weights: weightsFromSafetensors({ tensors: new Map(stored), metadata: {} }),
  };
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
  const kohyaPaths = pathsByKohyaName(paths);
  const modules = new Map<string, ModuleParts>();
  for (const [key, tensor] of file.tensors) {
    const { path, part } = parseAdapterKey(key, kohyaPaths);
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
  alphaOf: (path: string) => number | undefined,
  unet: Shaped,
): ModuleFactors {
  const why = 'The adapter is of another model: it changes';
  const { weight, ...named } = storedShapes(unet, path, 'rank', why);
  if (down === undefined || up === undefined) {
    const missing = down === undefined ? 'down' : 'up';
    throw new Error(`The adapter lacks the ${missing} part of ${JSON.stringify(path)}.`);
  }
  const rank = down.shape[0] ?? 0;
  const expected = storedShapes(unet, path, rank, why);
  if (rank < 1 || !isLike(down.shape, expected.down) || !isLike(up.shape, expected.up)) {
    throw new Error(
      `The adapter is of another model: for ${JSON.stringify(path)} of shape [${weight.join(', ')}] it has down [${down.shape.join(', ')}] and up [${up.shape.join(', ')}], expected [${named.down.join(', ')}] and [${named.up.join(', ')}].`,
    );
  }
  return {
    path,
    down: { ...down, shape: expected.down },
    up: { ...up, shape: expected.up },
    rank,
    alpha: alpha === undefined ? (alphaOf(path) ?? rank) : scalar(path, alpha),
  };
}

function scalar(path: string, tensor: SafetensorsTensor): number {
  const [value, ...rest] = toFloat32Array(tensor);
  if (value === undefined || rest.length > 0 || !(value > 0) || value === Infinity) {
    throw new Error(`The adapter's alpha of ${JSON.stringify(path)} must be one positive number.`);
  }
  return value;
}

function scaled(tensor: SafetensorsTensor, factor: number): SafetensorsTensor {
  return float32Tensor(
    toFloat32Array(tensor).map((value) => value * factor),
    tensor.shape,
  );
}

/** Equal, but for the 1×1 that a projection has as a convolution and lacks as a linear layer: files have either. */
function isLike(a: readonly number[], b: readonly number[]): boolean {
  const ofLinear = ([outputs, inputs, ...size]: readonly number[]) =>
    size.every((side) => side === 1) ? [outputs, inputs] : [outputs, inputs, ...size];
  return ofLinear(a).join() === ofLinear(b).join();
}
