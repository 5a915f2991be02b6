/** The configuration of a run: every key with its unit, range and default. The defaults are the embedded task. */
import type { BackendName } from '@loop-diffusion/native-tensorflow';
import type { FailurePolicy, RewardScale } from '@loop-diffusion/rewards';
import { z } from 'zod';

import { numberAbove, oneOf, realNumber, text, webAddress, wholeNumber } from './fields';

export const ALGORITHM_NAMES = ['loop', 'ppo', 'rloo', 'reinforce'] as const;
export type AlgorithmName = (typeof ALGORITHM_NAMES)[number];

/** Only a clipped objective can use samples that the policy has moved away from. */
export function isClipped(name: AlgorithmName): boolean {
  return name === 'loop' || name === 'ppo';
}

export const BACKEND_NAMES = [
  'tensorflow-gpu',
  'tensorflow',
  'wasm',
  'cpu',
] as const satisfies readonly BackendName[];
export type BackendSetting = BackendName | 'auto';

/** The resolved configuration of a run: every key present. */
export interface TrainConfig {
  output: string;
  model: string;
  iterations: number;
  seed: number;
  backend: BackendSetting;
  precision: 'float32' | 'bfloat16';
  gradientCheckpointing: boolean;
  memory: { textEncoders: 'keep' | 'release'; vaeTiles: boolean };
  prompts: string;
  batch: {
    prompts: number;
    /** Images per call of the policy while sampling. */
    rollout: number;
    /** (sample, timestep) pairs per gradient call. */
    update: number;
  };
  sampler: {
    steps: number;
    eta: number;
    guidance: number;
    /** Pixels; null for the size that the model was made for. */
    height: number | null;
    width: number | null;
  };
  algorithm: {
    name: AlgorithmName;
    /** Samples per prompt. */
    k: number;
    /** Optimizer steps per iteration, a multiple of `innerEpochs`. */
    innerUpdates: number;
    /** Times that every image of an iteration is learnt from. */
    innerEpochs: number;
    /** `'auto'` scales with the latent: 0.0128 / √(latent numbers). */
    clipRange: number | 'auto';
    advantageClip: number | null;
    klWeight: number;
    /**
     * Denoise steps that are trained, as for `Array.slice`: `from` inclusive, `to` exclusive, both counted from the first
     * step; of these `count`, drawn anew each iteration, or all for null.
     */
    timesteps: { from: number; to: number; count: number | null };
  };
  rewards: {
    name: string;
    /** In logs; the reward's own name when left out. */
    label?: string | undefined;
    /** 0 for a reward that is watched and not trained on. */
    weight: number;
    policy: FailurePolicy;
    scale: RewardScale;
    settings: Record<string, unknown>;
  }[];
  /** Null trains all weights of the UNet instead of an adapter. */
  lora: {
    rank: number;
    alpha: number;
    targets: string[];
    /** An adapter to start from, or a new one for null. */
    from: string | null;
  } | null;
  optimizer: {
    name: 'adamw';
    learningRate: number;
    schedule: 'constant' | 'linear' | 'cosine';
    finalLearningRateFraction: number;
    betas: [number, number];
    epsilon: number;
    weightDecay: number;
    maxGradientNorm: number;
    warmupIterations: number;
  };
  evaluate: {
    images: number;
    every: number;
    prompts: string;
    /** `null` here and below: as in `sampler`. */
    steps: number | null;
    eta: number | null;
    guidance: number | null;
    baseGuidances: number[];
  };
  samples: {
    every: number;
    count: number;
    /** Null writes every picture. */
    safety: number | null;
  };
  tracking: {
    tensorboard: boolean;
    mlflow: { url: string; experiment: string } | null;
    wandb: { project: string } | null;
  };
  checkpoint: { every: number; minutes: number; keep: number };
  guards: { skippedUpdates: number; failedRewards: number };
}

/** Where none is given: what suits an adapter would destroy a model of which every weight moves by it. */
export const LEARNING_RATE_OF_ALL_WEIGHTS = 2e-5;

const MANY = Number.MAX_SAFE_INTEGER;

/** Far above what any Stable Diffusion draws. */
export const LARGEST_IMAGE_SIDE = 8192;

const imageSide = (what: string) =>
  wholeNumber(8, LARGEST_IMAGE_SIDE, `${what} in pixels; null for the model's own`);

const guidance = realNumber(0, 100, 'classifier-free guidance scale; 1 is none');

/** What a configuration file may say. Keys that are left out take these defaults; keys that are not here are errors. */
export const configSchema = z.strictObject({
  output: text("the run's folder, made by the run").optional(),
  model: text(
    'a diffusers folder, hf:owner/name[@revision] on the Hugging Face Hub, or shapes for the embedded model',
  ).default('shapes'),
  iterations: wholeNumber(1, MANY, 'rounds of sampling, scoring and updating').default(150),
  seed: wholeNumber(0, 0xffffffff, 'seed of every draw of the run').default(0),
  backend: oneOf(
    ['auto', ...BACKEND_NAMES],
    'where tensors live; auto takes the fastest there is',
  ).default('auto'),
  precision: oneOf(
    ['float32', 'bfloat16'],
    'of the operands of convolutions and matrix products on the processor; everything else is float32',
  ).default('float32'),
  gradientCheckpointing: z
    .boolean()
    .meta({
      expected: 'true or false',
      description: 'layers keep their input alone for the gradient and run again: less memory',
    })
    .default(false),
  memory: z
    .strictObject({
      textEncoders: oneOf(
        ['keep', 'release'],
        'release encodes all prompts before the first iteration and frees the text encoders',
      ).default('keep'),
      vaeTiles: z
        .boolean()
        .meta({
          expected: 'true or false',
          description:
            'images are decoded in tiles that fade into each other: less memory, and colours may differ a little from tile to tile',
        })
        .default(false),
    })
    .meta({ description: 'what is done for less memory, besides gradientCheckpointing' })
    .prefault({}),
  prompts: text(
    'shapes for the embedded training prompts, or a text file with a prompt a line',
  ).default('shapes'),
  batch: z
    .strictObject({
      prompts: wholeNumber(
        1,
        MANY,
        'prompts per iteration, each sampled algorithm.k times',
      ).default(16),
      rollout: wholeNumber(
        1,
        MANY,
        'images per call of the policy while sampling; changes speed and memory, not results',
      ).default(64),
      update: wholeNumber(
        1,
        MANY,
        'pairs of sample and denoise step per gradient call; changes speed and memory',
      ).default(64),
    })
    .meta({ description: 'how much at a time' })
    .prefault({}),
  sampler: z
    .strictObject({
      steps: wholeNumber(1, 1000, 'denoise steps per image').default(10),
      eta: numberAbove(
        0,
        1,
        'randomness of a denoise step; 1 is full, and 0 would leave nothing to learn from',
      ).default(1),
      guidance: guidance.default(1),
      height: imageSide('height of the images').nullable().default(null),
      width: imageSide('width of the images').nullable().default(null),
    })
    .meta({ description: 'how images are drawn in training' })
    .prefault({}),
  algorithm: z
    .strictObject({
      name: oneOf(ALGORITHM_NAMES, 'the objective').default('loop'),
      k: wholeNumber(
        1,
        MANY,
        'samples per prompt; every algorithm but reinforce compares them and needs at least 2',
      ).default(4),
      innerUpdates: wholeNumber(
        1,
        MANY,
        'optimizer steps per iteration, a multiple of innerEpochs; left out: 2 an inner epoch for loop and ppo, 1 for rloo and reinforce',
      ).optional(),
      innerEpochs: wholeNumber(
        1,
        MANY,
        'times that every image of an iteration is learnt from',
      ).default(1),
      clipRange: z
        .union([z.literal('auto'), z.number().gt(0).lt(1)])
        .meta({
          expected: 'auto or a number above 0 and below 1',
          description:
            'how far a ratio may leave 1 before its gradient stops; auto is 0.0128 / √(numbers in a latent)',
        })
        .default('auto'),
      advantageClip: numberAbove(0, Infinity, 'largest size of an advantage; null for no limit')
        .nullable()
        .default(null),
      klWeight: realNumber(
        0,
        Infinity,
        'weight of the divergence from the base model in the loss',
      ).default(0),
      timesteps: z
        .strictObject({
          from: wholeNumber(
            0,
            999,
            'first trained denoise step, counted from 0 at the noisiest',
          ).default(0),
          to: wholeNumber(
            -999,
            1000,
            'end of the trained denoise steps, itself left out; a negative number counts from the last step',
          ).default(-2),
          count: wholeNumber(
            1,
            1000,
            'of these steps so many, drawn anew each iteration: unbiased, with more variance and less arithmetic; null for all',
          )
            .nullable()
            .default(null),
        })
        .meta({ description: 'which denoise steps are trained' })
        .prefault({}),
    })
    .meta({ description: 'how the policy learns from rewards' })
    .prefault({}),
  rewards: z
    .array(
      z.strictObject({
        name: text('name of a reward, or module#export of one of your own'),
        label: text("name in logs; left out: the reward's own").optional(),
        weight: z
          .number()
          .meta({
            expected: 'a number',
            description: 'factor of the reward in the sum; 0 to watch it without training on it',
          })
          .default(1),
        policy: oneOf(
          ['mask', 'optional', 'required'],
          'what a failure does: mask leaves the image out, optional leaves the reward out for all images of the prompt, required ends the run',
        ).default('mask'),
        scale: z
          .union([
            z.enum(['none', 'running-z-score', 'group-z-score']),
            z.strictObject({ factor: z.number().default(1), offset: z.number().default(0) }),
          ])
          .meta({
            expected: 'none, running-z-score, group-z-score or {factor, offset}',
            description:
              'what is done to values before they are weighted; z-scores are over the run so far or over the images of a prompt',
          })
          .default('none'),
        settings: z
          .record(z.string(), z.unknown())
          .meta({
            expected: "the reward's own settings, such as {model: …}",
            description: "the reward's own settings",
          })
          .default({}),
      }),
    )
    .min(1)
    .meta({
      expected: 'a list with at least one {name, weight}',
      description: 'what is rewarded: a weighted sum',
    })
    .default([{ name: 'shapes', weight: 1, policy: 'mask', scale: 'none', settings: {} }]),
  lora: z
    .strictObject({
      rank: wholeNumber(1, 1024, 'rank of the adapter').default(8),
      alpha: numberAbove(0, Infinity, 'the adapter is scaled by alpha / rank').default(8),
      targets: z
        .array(text('module name'))
        .min(1)
        .meta({
          expected: 'a list with at least one module name',
          description: 'ends of the names of the adapted modules',
        })
        .default(['to_q', 'to_k', 'to_v', 'to_out.0']),
      from: text(
        'an adapter of this rank, alpha and targets to start from: a safetensors file, a checkpoint or a run; null for a new one',
      )
        .nullable()
        .default(null),
    })
    .nullable()
    .meta({
      expected: 'null or {rank, alpha, targets, from}',
      description: 'the adapter that is trained; null to train all weights of the UNet',
    })
    .prefault({}),
  optimizer: z
    .strictObject({
      name: oneOf(['adamw'], 'the optimizer').default('adamw'),
      learningRate: numberAbove(
        0,
        Infinity,
        `largest learning rate; left out with lora: null, ${String(LEARNING_RATE_OF_ALL_WEIGHTS)}`,
      ).default(2e-3),
      schedule: oneOf(
        ['constant', 'linear', 'cosine'],
        'how the learning rate falls over the run',
      ).default('linear'),
      finalLearningRateFraction: realNumber(
        0,
        1,
        'learning rate of the last iteration as a fraction of the largest',
      ).default(0.15),
      betas: z
        .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
        .meta({
          expected: 'two numbers from 0 to below 1',
          description: 'decay rates of the first and second moment',
        })
        .default([0.9, 0.999]),
      epsilon: numberAbove(0, 1, 'added to the root of the second moment').default(1e-8),
      weightDecay: realNumber(0, 1, 'decoupled weight decay').default(1e-4),
      maxGradientNorm: numberAbove(
        0,
        Infinity,
        'gradients with a larger norm are scaled down to it',
      ).default(1),
      warmupIterations: wholeNumber(
        0,
        MANY,
        'iterations over which the learning rate rises linearly',
      ).default(0),
    })
    .meta({ description: 'how gradients move the trained weights' })
    .prefault({}),
  evaluate: z
    .strictObject({
      images: z
        .union([z.literal(0), z.number().int().min(2)])
        .meta({
          expected: 'a whole number of at least 2, or 0 for no evaluation',
          description: 'held-out images per evaluation, on the same prompts and noise each time',
        })
        .default(256),
      every: wholeNumber(
        0,
        MANY,
        'iterations between evaluations; 0 for before and after only',
      ).default(0),
      prompts: text(
        'shapes for the embedded held-out prompts, or a text file; left out: shapes, or the file of prompts',
      ).optional(),
      steps: wholeNumber(1, 1000, 'denoise steps per image; null for sampler.steps')
        .nullable()
        .default(null),
      eta: realNumber(0, 1, 'randomness of a denoise step; null for sampler.eta')
        .nullable()
        .default(null),
      guidance: realNumber(0, 100, 'guidance scale; null for sampler.guidance')
        .nullable()
        .default(null),
      baseGuidances: z
        .array(guidance)
        .meta({
          expected: 'a list of guidance scales',
          description: 'guidance scales at which the base model is evaluated too',
        })
        .default([2]),
    })
    .meta({ description: 'held-out rewards, before, on the way and after' })
    .prefault({}),
  samples: z
    .strictObject({
      every: wholeNumber(
        0,
        MANY,
        'iterations between sample grids; 0 for the first and last only',
      ).default(25),
      count: wholeNumber(0, 64, 'images of a sample grid; 0 for none').default(16),
      safety: realNumber(
        0,
        1,
        'least probability that a picture is safe for work, by nsfwjs, for the run to write it, here and for alerts; a grey one takes its place; null for no limit',
      )
        .nullable()
        .default(null),
    })
    .meta({ description: 'pictures of the same prompts and noise, to look at' })
    .prefault({}),
  tracking: z
    .strictObject({
      tensorboard: z
        .boolean()
        .meta({
          expected: 'true or false',
          description: "TensorBoard's files in the run's folder, for tensorboard --logdir runs",
        })
        .default(true),
      mlflow: z
        .strictObject({
          url: webAddress('address of the tracking server'),
          experiment: text('experiment that the run belongs to; made when there is none').default(
            'loop-diffusion',
          ),
        })
        .nullable()
        .meta({
          expected: 'null or {url, experiment}',
          description: 'an MLflow server that the figures go to, too; null for none',
        })
        .default(null),
      wandb: z
        .strictObject({ project: text('project that the run belongs to') })
        .nullable()
        .meta({
          expected: 'null or {project}',
          description:
            'a project of Weights & Biases that the figures go to, too, by the package @wandb/sdk; null for none',
        })
        .default(null),
    })
    .meta({ description: "where figures go besides the run's folder" })
    .prefault({}),
  checkpoint: z
    .strictObject({
      every: wholeNumber(
        0,
        MANY,
        'iterations between checkpoints, which a run leaves at its end, too; 0 for no limit',
      ).default(25),
      minutes: realNumber(
        0,
        MANY,
        'minutes after which an iteration ends with a checkpoint; 0 for no limit',
      ).default(10),
      keep: wholeNumber(
        1,
        MANY,
        'newest checkpoints that are kept, besides the one with the best rewards',
      ).default(2),
    })
    .meta({ description: 'what a run can go on from' })
    .prefault({}),
  guards: z
    .strictObject({
      skippedUpdates: wholeNumber(
        0,
        MANY,
        'optimizer steps in a row that are left out because loss or gradient are not finite, before the run stops',
      ).default(3),
      failedRewards: realNumber(
        0,
        1,
        "fraction of an iteration's images that may come without a reward before the run stops",
      ).default(0.5),
    })
    .meta({ description: 'when a run stops by itself' })
    .prefault({}),
});
