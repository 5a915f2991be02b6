/** Defaults for models of published sizes, in the place of the embedded model's; what is set stays as it is set. */
import type { TrainSettings } from './schema';

export const MODEL_CLASSES = ['sd-512', 'sd-768', 'sdxl'] as const;
export type ModelClass = (typeof MODEL_CLASSES)[number];

export interface ModelDefaults {
  /** What the model is, in words. */
  readonly name: string;
  readonly settings: TrainSettings & {
    readonly sampler: { readonly steps: number; readonly guidance: number };
  };
}

/** Adapters of DDPO and TRL have this rank and, of published models, about this learning rate. */
const common = {
  lora: { rank: 4, alpha: 4 },
  optimizer: { learningRate: 3e-4 },
  // 256 images would take longer than an iteration, and these guidances are near that of a model without guidance alone.
  evaluate: { images: 64, guidances: [] },
} satisfies TrainSettings;

/** Batches are as large as 24 GB hold. */
const byClass: Readonly<Record<ModelClass, ModelDefaults>> = {
  'sd-512': {
    name: 'Stable Diffusion at 512 pixels',
    settings: {
      ...common,
      sampler: { steps: 30, guidance: 7.5 },
      batch: { rollout: 4, update: 1 },
    },
  },
  'sd-768': {
    name: 'Stable Diffusion at 768 pixels',
    settings: {
      ...common,
      sampler: { steps: 30, guidance: 7.5 },
      batch: { rollout: 2, update: 1 },
      gradientCheckpointing: true,
    },
  },
  sdxl: {
    name: 'Stable Diffusion XL',
    settings: {
      ...common,
      // The guidance of diffusers' XL pipeline is lower than that of 1 and 2.
      sampler: { steps: 30, guidance: 5 },
      batch: { rollout: 1, update: 1 },
      gradientCheckpointing: true,
      memory: { vaeTiles: true },
    },
  },
};

export function defaultsOfClass(modelClass: ModelClass): ModelDefaults {
  return byClass[modelClass];
}

/** The settings as `key.path=value`, in one line. */
export function settingsInWords(settings: object, path = ''): string {
  return Object.entries(settings)
    .map(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? settingsInWords(value, `${path}${key}.`)
        : `${path}${key}=${JSON.stringify(value)}`,
    )
    .join(' ');
}
