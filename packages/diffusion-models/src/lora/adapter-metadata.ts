import type { SafetensorsFile } from '@loop-diffusion/safetensors';
import type { LoraAdapter } from '../types';
import { adaptedPaths } from './adapter-paths';
import { moduleScale } from './module-scale';
import { patternReader } from './module-patterns';

/** Before the UNet's paths in files that may also hold other parts of a pipeline. */
export const UNET_PREFIX = 'unet.';

/** The metadata key under which diffusers (since 0.34) stores what peft needs to know. */
const ADAPTER_METADATA = 'lora_adapter_metadata';

/** The metadata of a file in diffusers' layout: peft's configuration of the adapter, modules of another rank by their path. */
export function adapterMetadata(adapter: LoraAdapter): Record<string, string> {
  const { rank, alpha, targets } = adapter.config;
  const others = adaptedPaths(adapter)
    .map((path) => [`^${path}`, moduleScale(adapter, path)] as const)
    .filter(([, module]) => module.rank !== rank);
  const settings: Readonly<Record<string, unknown>> = {
    alpha_pattern: Object.fromEntries(others.map(([path, module]) => [path, module.alpha])),
    bias: 'none',
    init_lora_weights: 'gaussian',
    lora_alpha: alpha,
    lora_bias: false,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: Object.fromEntries(others.map(([path, module]) => [path, module.rank])),
    target_modules: [...targets].sort(),
    use_dora: false,
    use_rslora: false,
  };
  const entries = Object.entries(settings).map(([key, value]) => [UNET_PREFIX + key, value]);
  return {
    format: 'pt',
    [ADAPTER_METADATA]: JSON.stringify(Object.fromEntries(entries), null, 2),
  };
}

/**
 * The alpha that a file's metadata give a module: `alpha_pattern`, else `lora_alpha`. Ranks are those of the tensors.
 *
 * @returns a function of the module's path; undefined where nothing is said
 * @throws Error for settings that change what the factors mean, and values that are none
 */
export function alphaFromMetadata(file: SafetensorsFile): (path: string) => number | undefined {
  const text = file.metadata[ADAPTER_METADATA];
  if (text === undefined) return () => undefined;
  const fail = (reason: string): never => {
    throw new Error(`The adapter's ${ADAPTER_METADATA} ${reason}.`);
  };
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch {
    return fail('is not valid JSON');
  }
  if (!isObject(settings)) return fail('must hold a JSON object');
  // `save_lora_weights` of a pipeline puts the prefix before every name, `save_lora_adapter` of a model none.
  const known = settings;
  const value = (name: string): unknown => known[UNET_PREFIX + name] ?? known[name] ?? undefined;
  for (const name of ['use_dora', 'use_rslora', 'use_qalora', 'lora_bias', 'fan_in_fan_out']) {
    if (value(name) === true) fail(`sets ${name}, which is not supported`);
  }
  const positive = (name: string, given: unknown): number =>
    typeof given === 'number' && Number.isFinite(given) && given > 0
      ? given
      : fail(`gives ${name} = ${JSON.stringify(given)}, expected a positive number`);
  const given = value('lora_alpha');
  const alpha = given === undefined ? undefined : positive('lora_alpha', given);

  const patterns = value('alpha_pattern') ?? {};
  if (!isObject(patterns)) return fail('gives an alpha_pattern that is no JSON object');
  const values = Object.entries(patterns).map(([pattern, of]) => [
    pattern,
    positive(`alpha_pattern of ${JSON.stringify(pattern)}`, of),
  ]);
  let patternAlpha: (path: string) => number | undefined;
  try {
    patternAlpha = patternReader(Object.fromEntries(values) as Record<string, number>);
  } catch (error) {
    return fail(`gives an alpha_pattern that cannot be read: ${(error as Error).message}`);
  }
  return (path) => patternAlpha(path) ?? alpha;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
