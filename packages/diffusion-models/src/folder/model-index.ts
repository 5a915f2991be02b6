/** Schedulers whose configuration describes the noise that a model was trained with. */
export const SCHEDULER_CLASSES = ['DDIMScheduler', 'PNDMScheduler', 'DDPMScheduler'];

/**
 * The classes that a `model_index.json` may name. A folder chooses by name what code handles its files; what is not in this
 * list is not handled at all.
 */
const COMPONENTS: Readonly<Record<string, { library: string; classes: readonly string[] }>> = {
  scheduler: { library: 'diffusers', classes: SCHEDULER_CLASSES },
  text_encoder: { library: 'transformers', classes: ['CLIPTextModel'] },
  tokenizer: { library: 'transformers', classes: ['CLIPTokenizer'] },
  unet: { library: 'diffusers', classes: ['UNet2DConditionModel'] },
  vae: { library: 'diffusers', classes: ['AutoencoderKL'] },
};

/** Parts of a pipeline that take no part in sampling, and what to tell who has one. */
const LEFT_OUT: Readonly<Record<string, string | undefined>> = {
  safety_checker: 'the safety checker of this model is not run',
  image_encoder: 'the image encoder of this model is not used',
  // Belongs to the safety checker.
  feature_extractor: undefined,
};

/**
 * Checks that a `model_index.json` is that of a Stable Diffusion pipeline with parts that this library has.
 * @returns notes on parts of the folder that are left out
 * @throws Error that names the class or part that is not supported
 */
export function checkModelIndex(json: unknown, file: string): string[] {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(`${file} must hold a JSON object.`);
  }
  const index = json as Readonly<Record<string, unknown>>;
  if (index['_class_name'] !== 'StableDiffusionPipeline') {
    throw new Error(
      `${file} is that of a ${JSON.stringify(index['_class_name'])}; supported: "StableDiffusionPipeline".`,
    );
  }
  for (const [part, { library, classes }] of Object.entries(COMPONENTS)) {
    const [actualLibrary, actualClass] = componentOf(index, part, file);
    if (actualLibrary !== library || !classes.includes(actualClass ?? '')) {
      throw new Error(
        `${file}: ${part} = ${JSON.stringify(index[part])} is not supported; supported: ${library} ${classes.join(', ')}.`,
      );
    }
  }
  const notes: string[] = [];
  for (const part of Object.keys(index)) {
    // Settings of the pipeline, not parts.
    if (part.startsWith('_') || part.startsWith('requires_')) continue;
    if (Object.hasOwn(COMPONENTS, part)) continue;
    const [, name] = componentOf(index, part, file);
    if (name === null) continue;
    if (!Object.hasOwn(LEFT_OUT, part)) {
      throw new Error(`${file}: the part ${JSON.stringify(part)} is not supported.`);
    }
    const note = LEFT_OUT[part];
    if (note !== undefined) notes.push(note);
  }
  return notes;
}

/** The `model_index.json` of a folder with these parts. */
export function formatModelIndex(scheduler: string): Record<string, unknown> {
  return {
    _class_name: 'StableDiffusionPipeline',
    _diffusers_version: '0.35.2',
    feature_extractor: [null, null],
    image_encoder: [null, null],
    requires_safety_checker: false,
    safety_checker: [null, null],
    scheduler: ['diffusers', scheduler],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
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
