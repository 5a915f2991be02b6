/** Learning from trajectories: (trajectory, denoise step) pairs gathered from the rollout, a chunk at a time. */
import type { TrajectoryRow, TrajectoryStore } from '@loop-diffusion/diffusion-mdp';
import { emphaticWeights, type EmphaticWeightsOptions } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import type { TrajectoryObjective } from '../methods/method';
import type { NoiseSource } from '../policy/image-batches';
import type { Denoiser, RunningDenoiser } from '../policy/policy';
import { momentOf } from '../policy/predict';
import { partsOf } from '../policy/rows';
import { gatherNoise } from './gather-noise';
import { logRatiosOf } from './log-ratios';
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
import { trajectoryGradient, type TrajectoryLoss } from './trajectory-gradient';

export interface TrajectorySource
  extends TextsOfImages, Omit<TrajectoryLoss, 'objective' | 'everyRow'> {
  readonly objective: TrajectoryObjective;
  readonly trajectories: TrajectoryStore;
  /** One per trajectory; where it is 0 the trajectory costs no arithmetic, unless the loss or a divergence needs it. */
  readonly advantages: readonly number[];
  /** Indices of the trained denoise steps. */
  readonly trainedSteps: readonly number[];
  /** Rows per gradient call. */
  readonly batch: number;
  /** How a row counts beside its ratio, from those of the trajectory's other steps; alike when left out. */
  readonly emphasis?: EmphaticWeightsOptions | undefined;
  /** Weight of the divergence from `base`. */
  readonly klWeight: number;
  /** The model as it was; needed where the loss or a divergence compares with it. */
  readonly base?: Denoiser | undefined;
  /** What the trajectories were drawn from; needed where the loss asks for their means. */
  readonly noise?: NoiseSource | undefined;
}

/**
 * The loss of each row is averaged over the images and the trained steps, also over images whose advantage is 0, which count in
 * it and cost nothing.
 *
 * @throws TypeError when there is no base model, or no noise, that the loss asks for
 */
export function trajectoryTerm(source: TrajectorySource): Term {
  const { objective, advantages, trainedSteps, batch } = source;
  const { unit, needsZero, base } = rulesOf(source);
  if (source.noise === undefined && objective.oldMean === true) {
    throw new TypeError('A loss that compares with the means of the rollout needs its noise.');
  }
  // Rows of one denoise step stand together, as they did in the rollout.
  const rowsOf = (images: readonly number[]): TrajectoryRow[] => {
    const learnt = images.filter((image) => needsZero || advantages[image] !== 0);
    return trainedSteps.flatMap((step) => learnt.map((sample) => ({ sample, step })));
  };
  const weights = new Map<string, number>();
  return {
    async prepare(policy, images, signal) {
      if (source.emphasis === undefined) return;
      const rows = rowsOf(images);
      const logRatios = await logRatiosOf(policy, source, rows, signal);
      for (const image of new Set(images)) {
        const own = rows.flatMap((row, index) => (row.sample === image ? [{ row, index }] : []));
        const ratios = own.map(({ index }) => Math.exp(logRatios[index] ?? Number.NaN));
        // With numbers that are none the step is left out, as ever.
        const emphasis = ratios.some(Number.isNaN)
          ? ratios.map(() => Number.NaN)
          : emphaticWeights(ratios, source.emphasis);
        for (const [position, { row }] of own.entries()) {
          weights.set(keyOf(row), emphasis[position] ?? Number.NaN);
        }
      }
    },
    partOf(images) {
      const chunks = cutIntoChunks(rowsOf(images), batch, unit).map((chunk): Chunk => ({
        rows: chunk.length,
        gradient: (policy, inMean, everyRow = false) => {
          const weight = unit / (inMean * trainedSteps.length);
          const emphasisOf = (row: TrajectoryRow): number => weights.get(keyOf(row)) ?? 1;
          return gradientOf(policy, { ...source, base, everyRow, emphasisOf }, chunk, weight, unit);
        },
      }));
      return { inMean: images.length, chunks };
    },
  };
}

function keyOf({ sample, step }: TrajectoryRow): string {
  return `${sample} ${step}`;
}

interface ChunkSource extends TrajectorySource {
  readonly everyRow: boolean;
  readonly emphasisOf: (row: TrajectoryRow) => number;
}

function gradientOf(
  policy: RunningDenoiser,
  source: ChunkSource,
  chunk: readonly TrajectoryRow[],
  weight: number,
  unit: number,
): ChunkResult {
  const { objective, trajectories, advantages, context, sampleDropout, klWeight } = source;
  const rows = filledUp(chunk, source.batch, unit);
  const { loss, pairs, base, oldMean } = objective;
  let oldLogProb: Float32Array = new Float32Array();
  const result = tf.tidy(() => {
    const gathered = trajectories.gather(rows);
    const { steps, sample, previousSample } = gathered;
    ({ oldLogProb } = gathered);
    return policy.compute.run(
      trajectoryGradient,
      denoiserOf(policy),
      source.base,
      {
        ...{ objective: { loss, pairs, base, oldMean }, context, sampleDropout },
        everyRow: source.everyRow,
      },
      {
        sample,
        previousSample,
        moment: momentOf(policy, steps),
        conditioning: conditioningOf(
          source,
          rows.map((row) => row.sample),
        ),
        oldLogProb: tf.tensor1d(oldLogProb),
        advantages: tf.tensor1d(
          rows.map((row) => source.emphasisOf(row) * (advantages[row.sample] ?? 0)),
        ),
        noise:
          oldMean === true && source.noise !== undefined
            ? gatherNoise(source.noise, rows, trajectories.latentShape)
            : undefined,
        mask: tf.tensor1d(maskOf(chunk.length, rows.length)),
        weight: tf.scalar(weight),
        klWeight: klWeight > 0 ? tf.scalar(klWeight) : undefined,
      },
      partsOf(sample),
    );
  });
  return { ...result, rows: chunk.length, trajectoryRows: chunk, oldLogProb };
}
