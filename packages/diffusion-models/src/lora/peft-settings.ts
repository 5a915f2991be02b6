import { patternReader } from './module-patterns';

/** Alpha of the module at this path, whose factors have this rank; undefined where nothing is said of it. */
export type AlphaOf = (path: string, rank: number) => number | undefined;

/** Settings under which the factors mean something else, or are not all that the adapter changes. */
const UNSUPPORTED = ['use_dora', 'use_qalora', 'use_bdlora', 'lora_bias', 'fan_in_fan_out'];

/** Initialisations that leave the model's own weights as they are; others take the adapter's start away from them. */
const INITIALISATIONS = [true, false, 'gaussian', 'eva', 'orthogonal'];

/** Settings without effect on an adapter that is trained: where it was put, how it began, what it belongs to. */
const WITHOUT_EFFECT = new Set([
  ...['r', 'rank_pattern', 'target_modules', 'exclude_modules', 'layers_to_transform'],
  ...['layers_pattern', 'lora_dropout', 'inference_mode', 'task_type', 'auto_mapping'],
  ...['base_model_name_or_path', 'base_model_class', 'parent_library', 'revision'],
  ...['peft_version', 'eva_config', 'qalora_group_size', 'megatron_core', 'runtime_config'],
  // Read here.
  ...['peft_type', 'bias', 'init_lora_weights', 'lora_alpha', 'alpha_pattern', 'use_rslora'],
]);

/**
 * What peft's settings of a LoRA (`LoraConfig`) say of alpha: `alpha_pattern`, else `lora_alpha`; with `use_rslora` the scale is
 * alpha / √rank (Kalajdzievski 2023, arXiv:2312.03732), which is alpha · √rank of the usual one. Ranks are those of the tensors.
 *
 * @param what begins the messages, such as "The adapter's adapter_config.json"
 * @throws Error for settings that change what the factors mean, settings that are not known, and values that are none
 */
export function alphaFromPeftSettings(
  what: string,
  settings: Readonly<Record<string, unknown>>,
): AlphaOf {
  const fail = (reason: string): never => {
    throw new Error(`${what} ${reason}.`);
  };
  checkSettings(settings, fail);
  const positive = (name: string, given: unknown): number =>
    typeof given === 'number' && Number.isFinite(given) && given > 0
      ? given
      : fail(`gives ${name} = ${JSON.stringify(given)}, expected a positive number`);
  const given = settings['lora_alpha'] ?? undefined;
  const alpha = given === undefined ? undefined : positive('lora_alpha', given);

  const patterns = settings['alpha_pattern'] ?? {};
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
  const isRankStabilised = settings['use_rslora'] === true;
  return (path, rank) => {
    const own = patternAlpha(path) ?? alpha;
    return own !== undefined && isRankStabilised ? own * Math.sqrt(rank) : own;
  };
}

function checkSettings(
  settings: Readonly<Record<string, unknown>>,
  fail: (reason: string) => never,
): void {
  const {
    peft_type: type = 'LORA',
    bias = 'none',
    init_lora_weights: initialisation = true,
  } = settings;
  if (type !== 'LORA') fail(`is of an adapter of type ${JSON.stringify(type)}, expected "LORA"`);
  for (const name of UNSUPPORTED) {
    if (isSet(settings[name])) fail(`sets ${name}, which is not supported`);
  }
  if (bias !== 'none') {
    fail(`trains biases too (bias = ${JSON.stringify(bias)}), which is not supported`);
  }
  if (!INITIALISATIONS.some((known) => known === initialisation)) {
    fail(
      `says init_lora_weights = ${JSON.stringify(initialisation)}, by which the model's own weights change too; in Python save it with path_initial_model_for_weight_conversion`,
    );
  }
  const unknown = Object.keys(settings).filter(
    (name) => !WITHOUT_EFFECT.has(name) && !UNSUPPORTED.includes(name) && isSet(settings[name]),
  );
  if (unknown.length > 0) fail(`sets ${unknown.sort().join(', ')}, which is not known here`);
}

/** Is it more than null, false, or a list or object with nothing in it? */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
