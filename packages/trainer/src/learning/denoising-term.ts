/** Learning from finished images: each is noised anew, and the network learns what it should have answered. */
import { addNoise, velocity, type NoiseSchedule } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import type { DenoisingObjective, LossContext } from '../methods/method';
import type { Originals } from '../policy/originals';
import type { Denoiser, RunningDenoiser } from '../policy/policy';
import { momentOf } from '../policy/predict';
import { partsOf } from '../policy/rows';
import { denoisingGradient } from './denoising-gradient';
import type { NoiseDraw } from './noise-draws';
import {
  conditioningOf,
  cutIntoChunks,
  denoiserOf,
  filledUp,
  maskOf,
  rulesOf,
  type Chunk,
  type ChunkResult,
  type Term,
  type TextsOfImages,
} from './term';

export interface DenoisingSource extends TextsOfImages {
  readonly objective: Pick<
    DenoisingObjective,
    'loss' | 'pairs' | 'base' | 'average' | 'zeroAdvantages'
  >;
  readonly context: LossContext;
  /** The clean latents of the iteration's images. */
  readonly originals: Originals;
  /** One per image; NaN for those that are left out. */
  readonly advantages: readonly number[];
  /** Times that each image is noised anew. */
  readonly draws: number;
  readonly drawOf: (prompt: number, draw: number) => NoiseDraw;
  /** Rows per gradient call. */
  readonly batch: number;
  /** The images of this term for those of a minibatch; these themselves when left out. */
  readonly imagesFor?: ((images: readonly number[]) => readonly number[]) | undefined;
  /** How many other images the mean is over as well, for those of a minibatch; none when left out. */
  readonly alongside?: ((images: readonly number[]) => number) | undefined;
  /** What the loss counts beside others; 1 when left out. */
  readonly weight?: number | undefined;
  /** Weight of the mean square of the prediction's difference from the base model's. */
  readonly klWeight: number;
  /** The model as it was; needed where the loss or the difference compares with it. */
  readonly base?: Denoiser | undefined;
  /** The policy with its averaged weights, where the objective keeps such. */
  readonly average?: Denoiser | undefined;
}

interface DenoisingRow {
  readonly image: number;
  readonly draw: number;
}

/**
 * The loss is averaged over the images that are learnt from and the draws of timestep and noise.
 *
 * @throws TypeError when there is no base model, or no average, that the loss asks for
 */
export function denoisingTerm(source: DenoisingSource): Term {
  const { objective, advantages, draws, batch } = source;
  const { unit, needsZero, base } = rulesOf(source);
  if (source.average === undefined && objective.average !== undefined) {
    throw new TypeError('A loss that compares with averaged weights needs them.');
  }
  return {
    partOf(images, epoch) {
      const own = source.imagesFor?.(images) ?? images;
      const counted = own.filter((image) => !Number.isNaN(advantages[image]));
      const learnt = counted.filter((image) => needsZero || advantages[image] !== 0);
      const rows = Array.from({ length: draws }, (_, draw) => epoch * draws + draw).flatMap(
        (draw) => learnt.map((image) => ({ image, draw })),
      );
      const chunks = cutIntoChunks(rows, batch, unit).map((chunk): Chunk => ({
        rows: chunk.length,
        gradient: (policy, inMean, everyRow = false) => {
          const weight = ((source.weight ?? 1) * unit) / (inMean * draws);
          return gradientOf(policy, { ...source, base, everyRow }, chunk, weight, unit);
        },
      }));
      return { inMean: counted.length + (source.alongside?.(images) ?? 0), chunks };
    },
  };
}

function gradientOf(
  policy: RunningDenoiser,
  source: DenoisingSource & { readonly everyRow: boolean },
  chunk: readonly DenoisingRow[],
  weight: number,
  unit: number,
): ChunkResult {
  const { objective, originals, advantages, context, klWeight, promptOfImage, drawOf } = source;
  const rows = filledUp(chunk, source.batch, unit);
  const drawn = rows.map(({ image, draw }) => drawOf(promptOfImage[image] ?? 0, draw));
  const steps = drawn.map(({ step }) => step);
  const { loss, pairs } = objective;
  const result = tf.tidy(() => {
    const original = originals.gather(rows.map(({ image }) => image));
    const noise = noiseTensor(drawn, original);
    const timesteps = steps.map(({ timestep }) => timestep);
    const noised = addNoise(policy.schedule, original, noise, timesteps);
    return policy.compute.run(
      denoisingGradient,
      denoiserOf(policy),
      {
        base: source.base,
        average: source.average && denoiserOf(source.average),
      },
      { objective: { loss, pairs, base: objective.base }, context, everyRow: source.everyRow },
      {
        ...{ original, noised, target: targetOf(policy.schedule, original, noise, timesteps) },
        noiseLevel: tf.tensor1d(steps.map(({ alphaCumprod }) => Math.sqrt(1 - alphaCumprod))),
        moment: momentOf(policy, steps),
        conditioning: conditioningOf(
          source,
          rows.map(({ image }) => image),
        ),
        advantages: tf.tensor1d(rows.map(({ image }) => advantages[image] ?? 0)),
        mask: tf.tensor1d(maskOf(chunk.length, rows.length)),
        weight: tf.scalar(weight),
        klWeight: klWeight > 0 ? tf.scalar(klWeight) : undefined,
      },
      partsOf(noised),
    );
  });
  return { ...result, rows: chunk.length };
}

function noiseTensor(drawn: readonly NoiseDraw[], { shape, size }: tf.Tensor4D): tf.Tensor4D {
  const values = new Float32Array(size);
  for (const [row, { noise }] of drawn.entries()) values.set(noise, row * noise.length);
  return tf.tensor4d(values, shape);
}

/** What a network of its kind should answer at √ᾱ_t x_0 + √(1−ᾱ_t) ε. */
function targetOf(
  schedule: NoiseSchedule,
  original: tf.Tensor4D,
  noise: tf.Tensor4D,
  timesteps: readonly number[],
): tf.Tensor4D {
  switch (schedule.config.predictionType) {
    case 'epsilon':
      return noise;
    case 'v_prediction':
      return velocity(schedule, original, noise, timesteps);
    case 'sample':
      return original;
  }
}
