/** What the commands ask of the core. */
import type { BackendSetting } from '../configuration/schema';
import type { CutOffPrompts } from '../cut-off-prompts';
import type { EvaluationRecord } from '../run-folder/records';

/** What draws: `ddim` is the policy that is trained, the others are deterministic. */
export const SCHEDULER_NAMES = ['ddim', 'euler', 'dpm-solver++'] as const;

export type SchedulerName = (typeof SCHEDULER_NAMES)[number];

/** What `sample` and `evaluate` share. */
interface DrawingOptions {
  /** As given to `--model`. */
  model: string;
  /** The folder of a UNet in the place of the model's own: a run with `lora: null`, or a diffusers folder. */
  unet?: string | undefined;
  /**
   * A LoRA file or the folder that holds `pytorch_lora_weights.safetensors`; or several, each perhaps with `:WEIGHT`, that are
   * added up.
   */
  lora?: string | readonly string[] | undefined;
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
  /** Folder of the images; made if it is missing. */
  out: string;
  /** Called with the fraction done, in [0, 1]. */
  onProgress?: ((phase: string, fraction: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface SampleOptions extends DrawingOptions {
  prompts: readonly string[];
  /** Images of each prompt, 1 where left out; the first of each is the same for any count. */
  count?: number | undefined;
  /** Also draw with the untouched model, from the same noise. */
  base?: boolean | undefined;
  /** Also write `grid.png` with all images, each beside that of the base. */
  grid?: boolean | undefined;
  /** `ddim` where left out, whatever the model's folder names. */
  scheduler?: SchedulerName | undefined;
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
  /** `shapes` for the embedded held-out prompts, or a text file. */
  prompts: string;
  /** Name of a reward. */
  reward: string;
  rewardSettings?: Readonly<Record<string, unknown>> | undefined;
  /** Images to draw, or undefined for one per prompt. */
  images?: number | undefined;
}

export interface EvaluateResult {
  evaluation: EvaluationRecord;
  /** In the order of `evaluation.rewards`. */
  images: { file: string; prompt: string }[];
  /** Images in whose place a grey one was written; their rewards count. */
  withheld: number;
  /** Prompts that the model reads the beginning of only. */
  cutOff?: CutOffPrompts | undefined;
}
