/** What drawing and evaluating take and give. */
import type { Cluster } from '@loop-diffusion/native-tensorflow';
import type { Image } from '@loop-diffusion/rewards';

import type { ModelDefaults } from '../configuration/model-defaults';
import type { BackendSetting } from '../configuration/schema';
import type { CutOffPrompts } from '../prompts/cut-off-prompts';
import type { EvaluationRecord } from '../run-folder/records';
import { readModelDefaults } from '../weights/model-defaults';
import { resolveModel } from '../weights/resolve-model';
import type { EvaluatedReward, PromptsOption } from './options';

/** What draws: `ddim` is the policy that is trained, the others are deterministic. */
export const SCHEDULER_NAMES = ['ddim', 'euler', 'dpm-solver++'] as const;

export type SchedulerName = (typeof SCHEDULER_NAMES)[number];

/** What drawing and evaluating share. */
export interface DrawingOptions {
  /** A diffusers folder, `hf:owner/name`, or `shapes`. */
  model: string;
  /** The folder of a UNet in the place of the model's own: a run with `lora: null`, or a diffusers folder. */
  unet?: string | undefined;
  /**
   * A LoRA file or the folder that holds `pytorch_lora_weights.safetensors`; or several, each perhaps with `:WEIGHT`, that are
   * added up; or the bytes of such a file, as `train` returns them.
   */
  lora?: string | readonly string[] | Uint8Array | undefined;
  /** Leave out what adapters change of the text encoder, which is refused else. */
  unetOnly?: boolean | undefined;
  seed: number;
  steps: number;
  /** Of `ddim` alone. */
  eta: number;
  guidance: number;
  /** Pixels; the model's own size where left out. */
  height?: number | undefined;
  width?: number | undefined;
  /** Decode in tiles, for less memory. */
  vaeTiles?: boolean | undefined;
  /** Least probability, by nsfwjs, that an image is safe for work, for it to be written; all are where left out. */
  safety?: number | undefined;
  backend: BackendSetting;
  /**
   * The processes that draw a part of the images each, and all call this with the same options; what it gives is of all of them.
   * Files are written by the first alone.
   */
  cluster?: Cluster | undefined;
  /** Seconds that workers wait for one of them; 1,800 where left out. */
  workerPatience?: number | undefined;
  /** Called with the fraction done, in [0, 1]. */
  onProgress?: ((phase: string, fraction: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Keys that have a default; that of steps and guidance depends on the model. */
type Defaulted = 'seed' | 'steps' | 'eta' | 'guidance' | 'backend';

/** The same where some keys may be left out. */
export type WithDefaults<Options extends DrawingOptions> = Omit<Options, Defaulted> &
  Partial<Pick<Options, Defaulted>>;

/** The embedded model's. */
export const MINIATURE_SAMPLER = { steps: 10, guidance: 1 };

/** @returns undefined for a miniature */
export async function defaultsOf(model: string): Promise<ModelDefaults | undefined> {
  return model === 'shapes' ? undefined : readModelDefaults(await resolveModel(model));
}

export async function withDefaults<Options extends DrawingOptions>(
  options: WithDefaults<Options>,
): Promise<Options> {
  const { seed = 0, eta = 1, backend = 'auto' } = options;
  const isSaid = options.steps !== undefined && options.guidance !== undefined;
  const defaults = isSaid ? undefined : await defaultsOf(options.model);
  const sampler = defaults?.settings.sampler ?? MINIATURE_SAMPLER;
  const { steps = sampler.steps, guidance = sampler.guidance } = options;
  return { ...options, seed, steps, eta, guidance, backend } as unknown as Options;
}

/** Numbers in rows, the last axis fastest; images as `[…, channels, height, width]`, as diffusers has them. */
export interface TensorValues {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface DrawOptions extends DrawingOptions {
  prompts: readonly string[];
  /** Images of each prompt, 1 where left out; the first of each is the same for any count. */
  count?: number | undefined;
  /** `ddim` where left out, whatever the model's folder names. */
  scheduler?: SchedulerName | undefined;
  /** `[b, channels, h, w]` that the images start from. */
  latents?: TensorValues | undefined;
  /** `[b, steps, channels, h, w]` that the steps of `ddim` take. */
  noise?: TensorValues | undefined;
  /** Also return everything on the way. */
  trace?: boolean | undefined;
}

export interface DrawTrace {
  /** `[b, steps + 1, channels, h, w]`, the noise first. */
  readonly latents: TensorValues;
  /** Of the steps. */
  readonly timesteps: readonly number[];
  /** Of `ddim`: `[b, steps]`. */
  readonly logProbs?: TensorValues | undefined;
  /** Of `ddim`: `[b, steps, channels, h, w]`. */
  readonly noise?: TensorValues | undefined;
}

export interface DrawResult {
  /** All prompts, and all again for a larger `count`. */
  readonly images: readonly Image[];
  /** One per image. */
  readonly prompts: readonly string[];
  /** Images in whose place a grey one stands. */
  readonly withheld: number;
  /** Prompts that the model reads the beginning of only. */
  readonly cutOff: CutOffPrompts | undefined;
  readonly trace: DrawTrace | undefined;
}

export interface SampleOptions extends Omit<DrawOptions, 'latents' | 'noise' | 'trace'> {
  /** Folder of the images; it is empty or does not exist. */
  out: string;
  /** Also draw with the untouched model, from the same noise. */
  base?: boolean | undefined;
  /** Also write `grid.png` with all images, each beside that of the base. */
  grid?: boolean | undefined;
  /** Safetensors file whose `latents` [b, channels, h, w] the images start from. */
  latents?: string | undefined;
  /** Safetensors file whose `noise` [b, steps, channels, h, w] the steps of `ddim` take. */
  noise?: string | undefined;
  /**
   * Safetensors file to write: `latents` [b, steps + 1, channels, h, w], `timesteps` [steps] and, of `ddim`, `log_probs`
   * [b, steps] and `noise` [b, steps, channels, h, w].
   */
  trace?: string | undefined;
}

export interface SampledImage {
  file: string;
  prompt: string;
}

export interface SampleResult {
  images: SampledImage[];
  /** Of the untouched model, where they were asked for. */
  base?: SampledImage[] | undefined;
  grid?: string | undefined;
  /** Images in whose place a grey one was written. */
  withheld: number;
  trace?: string | undefined;
  /** Prompts that the model reads the beginning of only. */
  cutOff?: CutOffPrompts | undefined;
}

export interface EvaluateOptions extends DrawingOptions {
  /** `shapes` for the embedded held-out prompts, a text file, or the prompts. */
  prompts: PromptsOption;
  reward: EvaluatedReward;
  /** Images to draw, or undefined for one per prompt. */
  images?: number | undefined;
}

export interface Evaluated {
  readonly evaluation: EvaluationRecord;
  /** Images in whose place a grey one stands; their rewards count. */
  readonly withheld: number;
  /** Prompts that the model reads the beginning of only. */
  readonly cutOff?: CutOffPrompts | undefined;
}

export interface EvaluateResult extends Evaluated {
  /** In the order of `evaluation.rewards`. */
  readonly images: readonly Image[];
  /** One per image. */
  readonly prompts: readonly string[];
}

export interface EvaluateFilesOptions extends EvaluateOptions {
  /** Folder of the images; made if it is missing. */
  out: string;
}

export interface EvaluateFilesResult extends Evaluated {
  /** In the order of `evaluation.rewards`. */
  readonly images: readonly SampledImage[];
}
