/** Chunks of a minibatch: pairs gathered from the rollout, their gradient, and what is read of them at the minibatch's end. */
import type { TrajectoryRow, TrajectoryStore } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import type { Denoiser, RunningDenoiser } from '../policy/policy';
import { momentOf } from '../policy/predict';
import { partsOf } from '../policy/rows';
import { gatherTexts, type EncodedText } from '../policy/text-condition';
import type { Objective } from './algorithm';
import { lossAndGradient, type LossAndGradient } from './loss-and-gradient';

/** What chunks are made of. */
export interface ChunkSource {
  readonly trajectories: TrajectoryStore;
  /** One per trajectory; where it is 0 the trajectory costs no arithmetic, unless a divergence is weighed in. */
  readonly advantages: readonly number[];
  /** The distinct prompts, a row each, and for each trajectory its row. */
  readonly prompts: EncodedText;
  readonly promptOfImage: readonly number[];
  /** The empty prompt, one row. */
  readonly empty: EncodedText;
  /** (trajectory, denoise step) pairs per gradient call. */
  readonly batch: number;
  readonly objective: Objective;
  /** The policy that the objective weighs the divergence from; needed where it weighs one. */
  readonly reference?: Denoiser | undefined;
}

/** One (trajectory, denoise step) pair as an update saw it. */
export interface PairReport extends TrajectoryRow {
  readonly logProb: number;
  readonly oldLogProb: number;
}

export interface ChunkResult extends LossAndGradient {
  readonly pairs: readonly TrajectoryRow[];
  /** Of the pairs, and of the padding after them, as `logProb`. */
  readonly oldLogProb: Float32Array;
}

/** Loss and gradient of one chunk, every pair with this weight. */
export function chunkGradient(
  policy: RunningDenoiser,
  source: ChunkSource,
  pairs: readonly TrajectoryRow[],
  weight: number,
): ChunkResult {
  const { objective, trajectories, promptOfImage, advantages, empty } = source;
  const padding = objective.klWeight > 0 ? 0 : paddingOf(pairs.length, source.batch);
  const rows = [...pairs, ...new Array<TrajectoryRow>(padding).fill(pairs[0] as TrajectoryRow)];
  const { oldLogProb, steps, sample, previousSample } = trajectories.gather(rows);
  const result = tf.tidy(() =>
    policy.compute.run(
      lossAndGradient,
      denoiserOf(policy),
      referenceOf(source),
      objective,
      {
        sample,
        previousSample,
        moment: momentOf(policy, steps),
        conditioning: {
          prompts: gatherTexts(
            source.prompts,
            rows.map((row) => promptOfImage[row.sample] ?? 0),
          ),
          empty,
        },
        oldLogProb: tf.tensor1d(oldLogProb),
        advantages: tf.tensor1d(
          rows.map((row, index) => (index < pairs.length ? (advantages[row.sample] ?? 0) : 0)),
        ),
        weight: tf.scalar(rows.length * weight),
      },
      partsOf(sample),
    ),
  );
  tf.dispose([sample, previousSample]);
  return { ...result, pairs, oldLogProb };
}

/** Read once a minibatch: whoever reads a tensor waits for all the work before it. */
export function readChunks(chunks: readonly ChunkResult[]): {
  loss: number;
  kl: number;
  pairs: PairReport[];
} {
  if (chunks.length === 0) return { loss: 0, kl: 0, pairs: [] };
  const read = (tensor: tf.Tensor): Float32Array => {
    const values = tensor.dataSync<'float32'>();
    tensor.dispose();
    return values;
  };
  const logProbs = read(tf.concat1d(chunks.map(({ logProb }) => logProb)));
  const [loss = Number.NaN] = read(tf.addN(chunks.map((chunk) => chunk.loss)));
  const kls = chunks.flatMap((chunk) => chunk.kl ?? []);
  const [kl = 0] = kls.length === 0 ? [] : read(tf.addN(kls));
  let first = 0;
  const pairs = chunks.flatMap((chunk) => {
    const start = first;
    first += chunk.oldLogProb.length;
    return chunk.pairs.map((pair, row) => ({
      ...pair,
      logProb: logProbs[start + row] ?? Number.NaN,
      oldLogProb: chunk.oldLogProb[row] ?? Number.NaN,
    }));
  });
  return { loss, kl, pairs };
}

/** Alone, without what else a policy holds: a compiled function is given every tensor of its arguments. */
function denoiserOf({
  unet,
  schedule,
  adapter,
  guidance,
  gradientCheckpointing,
}: Denoiser): Denoiser {
  return { unet, schedule, adapter, guidance, gradientCheckpointing };
}

function referenceOf({ objective, reference }: ChunkSource): Denoiser | undefined {
  if (objective.klWeight === 0) return undefined;
  if (reference !== undefined) return denoiserOf(reference);
  throw new TypeError('A weighted divergence needs the reference that it is from.');
}

/**
 * Rows without weight that fill a chunk up to a quarter of a whole one: trajectories that teach nothing are left out, so that
 * chunks would come in every size, and each size would be compiled.
 */
function paddingOf(count: number, batch: number): number {
  const quarter = Math.max(1, Math.floor(batch / 4));
  return Math.min(Math.ceil(count / quarter) * quarter, batch) - count;
}
