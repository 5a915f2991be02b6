import type { SafetensorsFile, SafetensorsTensor } from '@loop-diffusion/safetensors';
import { float32Tensor, readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import type { LoraAdapter } from '../types';
import { weightsFromSafetensors } from '../weights';
import { isOfTextEncoder, isPeftKey, parseAdapterKey } from './adapter-keys';
import { alphaFromMetadata } from './adapter-metadata';
import { downKey, modulePaths, upKey } from './adapter-paths';
import { targetsOf } from './adapter-targets';
import type { Shaped } from './factor-shapes';
import { storedShapes } from './factor-shapes';
import { pathsByKohyaName } from './kohya-names';
import { alphaFromPeftSettings, isObject, type AlphaOf } from './peft-settings';

export interface LoraFileOptions {
  /**
   * The parsed content of peft's `adapter_config.json`, which lies beside a file in peft's layout and has its alpha: `lora_alpha`,
   * `alpha_pattern` and `use_rslora`. Alphas in the file itself go before it; where all are there it is not looked at.
   */
  readonly adapterConfig?: unknown;
  /** Refuse a file that says alpha nowhere, instead of taking alpha = rank. Always so in peft's layout. Default false. */
  readonly alphaRequired?: boolean | undefined;
  /** Leave out what the file changes of the text encoder, instead of refusing it. Default false. */
  readonly ignoreTextEncoder?: boolean | undefined;
}

/**
 * Reads an adapter in any of the layouts that {@link parseAdapterKey} knows, of linear layers and convolutions. Alpha comes from
 * kohya's `.alpha` tensors, from diffusers' metadata, `alpha_pattern` included, or from peft's `adapter_config.json`; a module with
 * none has alpha = rank, but for files in peft's layout, which are refused without their configuration.
 *
 * The result has one scale alpha / rank: where modules of the file differ, the difference is put into their `up`. Ranks may
 * differ still; `config.rank` is the largest.
 *
 * @param unet the weights of the model that the adapter is for, or their shapes alone
 * @returns plain float32 tensors, which the caller disposes
 * @throws SafetensorsError for a malformed file; Error when it is no such adapter, one of another model, or holds NaN or infinity
 */
export function loraFromSafetensors(
  bytes: Uint8Array,
  unet: Shaped,
  options: LoraFileOptions = {},
): LoraAdapter {
  const file = readSafetensors(bytes);
  const paths = modulePaths(unet);
  const modules = collectModules(file, paths, options.ignoreTextEncoder === true);
  const alphaOf = alphaReader(file, options);
  if (modules.size === 0) {
    throw new Error(
      file.tensors.size === 0
        ? 'The adapter file holds no tensors.'
        : 'The adapter changes the text encoder alone, and nothing of the UNet.',
    );
  }

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
    weights: weightsFromSafetensors({ tensors: new Map(stored), metadata: {} }, 'The adapter'),
  };
}

/** Of modules without an alpha tensor. */
function alphaReader(
  file: SafetensorsFile,
  { adapterConfig, alphaRequired = false }: LoraFileOptions,
): AlphaOf {
  const fromMetadata = alphaFromMetadata(file);
  const isRequired = alphaRequired || [...file.tensors.keys()].some(isPeftKey);
  let fromConfig: AlphaOf | undefined;
  return (path, rank) => {
    const own = fromMetadata(path, rank);
    if (own !== undefined) return own;
    if (adapterConfig !== undefined) {
      fromConfig ??= alphaFromConfig(adapterConfig);
      return fromConfig(path, rank);
    }
    if (!isRequired) return undefined;
    throw new Error(
      'Its alpha is not known: peft keeps it in adapter_config.json, which belongs beside the weights. Put it there; without it {"peft_type": "LORA", "lora_alpha": …} with the alpha of the training does as well.',
    );
  };
}

function alphaFromConfig(json: unknown): AlphaOf {
  const what = "The adapter's adapter_config.json";
  if (!isObject(json)) throw new Error(`${what} must hold a JSON object.`);
  const alphaOf = alphaFromPeftSettings(what, json);
  return (path, rank) => {
    const alpha = alphaOf(path, rank);
    if (alpha !== undefined) return alpha;
    throw new Error(`${what} gives no lora_alpha.`);
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
  ignoreTextEncoder: boolean,
): ReadonlyMap<string, ModuleParts> {
  const kohyaPaths = pathsByKohyaName(paths);
  const modules = new Map<string, ModuleParts>();
  for (const [key, tensor] of file.tensors) {
    if (ignoreTextEncoder && isOfTextEncoder(key)) continue;
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
  alphaOf: AlphaOf,
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
    alpha: alpha === undefined ? (alphaOf(path, rank) ?? rank) : scalar(path, alpha),
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
