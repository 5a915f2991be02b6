/** Schedulers whose configuration describes the noise that a model was trained with. Which one draws is not the file's to say. */
export const SCHEDULER_CLASSES = [
  'DDIMScheduler',
  'PNDMScheduler',
  'DDPMScheduler',
  'EulerDiscreteScheduler',
  'EulerAncestralDiscreteScheduler',
  'DPMSolverMultistepScheduler',
  'DPMSolverSinglestepScheduler',
  'UniPCMultistepScheduler',
  'DEISMultistepScheduler',
  'HeunDiscreteScheduler',
  'KDPM2DiscreteScheduler',
  'KDPM2AncestralDiscreteScheduler',
  'LMSDiscreteScheduler',
];

const TOKENIZER_CLASSES = ['CLIPTokenizer', 'CLIPTokenizerFast'] as const;

type Components = Readonly<
  Record<string, { readonly library: string; readonly classes: readonly string[] }>
>;

const COMPONENTS: Components = {
  scheduler: { library: 'diffusers', classes: SCHEDULER_CLASSES },
  text_encoder: { library: 'transformers', classes: ['CLIPTextModel'] },
  tokenizer: { library: 'transformers', classes: TOKENIZER_CLASSES },
  unet: { library: 'diffusers', classes: ['UNet2DConditionModel'] },
  vae: { library: 'diffusers', classes: ['AutoencoderKL'] },
};

/**
 * The pipelines, and the classes that the `model_index.json` of each may name. A folder chooses by name what code handles its
 * files; what is not in this list is not handled at all.
 */
const PIPELINES: Readonly<Record<string, Components>> = {
  StableDiffusionPipeline: COMPONENTS,
  StableDiffusionXLPipeline: {
    ...COMPONENTS,
    text_encoder_2: { library: 'transformers', classes: ['CLIPTextModelWithProjection'] },
    tokenizer_2: { library: 'transformers', classes: TOKENIZER_CLASSES },
  },
};

/** Parts of a pipeline that take no part in sampling, and what to tell who has one. */
const LEFT_OUT: Readonly<Record<string, string | undefined>> = {
  safety_checker: 'the safety checker of this model is not run',
  image_encoder: 'the image encoder of this model is not used',
  // Belongs to the safety checker.
  feature_extractor: undefined,
};

/** What a `model_index.json` says, apart from where its parts are. */
export interface ModelIndex {
  /** Is it Stable Diffusion XL, which has two text encoders? */
  readonly isXl: boolean;
  /** Is the empty prompt all zeros, instead of what the text encoders make of it? */
  readonly zeroEmptyPrompt: boolean;
  /** Which of `tokenizer` and `tokenizer_2` are fast ones. */
  readonly fastTokenizers: readonly string[];
  /** On parts of the folder that are left out. */
  readonly notes: readonly string[];
}

/**
 * Checks that a `model_index.json` is that of a Stable Diffusion pipeline with parts that this library has.
 * @throws Error that names the class or part that is not supported
 */
export function readModelIndex(json: unknown, file: string): ModelIndex {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(`${file} must hold a JSON object.`);
  }
  const index = json as Readonly<Record<string, unknown>>;
  const pipeline = index['_class_name'];
  const components =
    typeof pipeline === 'string' && Object.hasOwn(PIPELINES, pipeline)
      ? (PIPELINES[pipeline] as Components)
      : undefined;
  if (components === undefined) {
    const supported = Object.keys(PIPELINES).map((name) => JSON.stringify(name));
    throw new Error(
      `${file} is that of a ${JSON.stringify(pipeline)}; supported: ${supported.join(', ')}.`,
    );
  }
  for (const [part, { library, classes }] of Object.entries(components)) {
    const [actualLibrary, actualClass] = componentOf(index, part, file);
    if (actualLibrary !== library || !classes.includes(actualClass ?? '')) {
      const remedy =
        part === 'scheduler'
          ? ' Save the model with DDIMScheduler.from_config(pipeline.scheduler.config).'
          : '';
      throw new Error(
        `${file}: ${part} = ${JSON.stringify(index[part])} is not supported; supported: ${library} ${classes.join(', ')}.${remedy}`,
      );
    }
  }
  const notes: string[] = [];
  for (const part of Object.keys(index)) {
    if (isSetting(part) || Object.hasOwn(components, part)) continue;
    const [, name] = componentOf(index, part, file);
    if (name === null) continue;
    if (!Object.hasOwn(LEFT_OUT, part)) {
      throw new Error(`${file}: the part ${JSON.stringify(part)} is not supported.`);
    }
    const note = LEFT_OUT[part];
    if (note !== undefined) notes.push(note);
  }
  if (index['requires_aesthetics_score'] === true) {
    throw new Error(
      `${file} is that of a refiner (requires_aesthetics_score), which is not supported; use the base model.`,
    );
  }
  const isXl = components === PIPELINES['StableDiffusionXLPipeline'];
  const zero = index[ZERO_EMPTY_PROMPT] ?? isXl;
  if (typeof zero !== 'boolean') {
    throw new Error(`${file}: ${ZERO_EMPTY_PROMPT} must be true or false.`);
  }
  const fastTokenizers = Object.keys(components).filter(
    (part) => componentOf(index, part, file)[1] === 'CLIPTokenizerFast',
  );
  return { isXl, zeroEmptyPrompt: zero, fastTokenizers, notes };
}

const ZERO_EMPTY_PROMPT = 'force_zeros_for_empty_prompt';

/** Settings of the pipeline, not parts. */
function isSetting(key: string): boolean {
  return (
    key.startsWith('_') ||
    key.startsWith('requires_') ||
    key === ZERO_EMPTY_PROMPT ||
    key === 'add_watermarker'
  );
}

/** The `model_index.json` of a folder with these parts. */
export function formatModelIndex(
  scheduler: string,
  { isXl, zeroEmptyPrompt, fastTokenizers }: Omit<ModelIndex, 'notes'>,
): Record<string, unknown> {
  const pipeline = isXl ? 'StableDiffusionXLPipeline' : 'StableDiffusionPipeline';
  const components = Object.entries(PIPELINES[pipeline] as Components).map(
    ([part, { library, classes }]) => {
      const [first] = classes;
      const other = fastTokenizers.includes(part) ? 'CLIPTokenizerFast' : first;
      return [part, [library, part === 'scheduler' ? scheduler : other]];
    },
  );
  return {
    _class_name: pipeline,
    _diffusers_version: '0.35.2',
    feature_extractor: [null, null],
    image_encoder: [null, null],
    ...(isXl
      ? { [ZERO_EMPTY_PROMPT]: zeroEmptyPrompt }
      : { requires_safety_checker: false, safety_checker: [null, null] }),
    ...(Object.fromEntries(components) as Record<string, unknown>),
  };
}

/** A part's library and class, both null where the pipeline has none. */
function componentOf(
  index: Readonly<Record<string, unknown>>,
  part: string,
  file: string,
): [string | null, string | null] {
  const value = index[part] ?? [null, null];
  if (Array.isArray(value) && value.length === 2) {
    const [library, name] = value as unknown[];
    if (typeof library === 'string' && typeof name === 'string') return [library, name];
    if (library === null && name === null) return [null, null];
  }
  throw new Error(
    `${file}: ${part} must be [library, class] or [null, null], not ${JSON.stringify(value)}.`,
  );
}
