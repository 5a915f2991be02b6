/** Learning: from a rollout and its advantages to a policy that makes the better images more likely. */
import {
  gaussianLogProb,
  policyMean,
  stepSigmas,
  type TrajectoryRow,
  type TrajectoryStore,
} from '@loop-diffusion/diffusion-mdp';
import { compile, parallelParts, sideBySide } from '@loop-diffusion/native-tensorflow';
import { assertRatioIsOne, klToReference } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import { policyLoss, type Objective } from './algorithm';
import { nextTurn } from '../next-turn';
import type { AdamW } from './optimizer';
import {
  gatherTexts,
  momentOf,
  predict,
  type Conditioning,
  type Denoiser,
  type EncodedText,
  type Moment,
} from '../policy/policy';
import { cutRows } from '../policy/rows';
import { trainedWeights, withTrainedWeights } from '../weights/trained-weights';

export interface UpdateRequest {
  readonly trajectories: TrajectoryStore;
  /** One per trajectory; where it is 0 the trajectory costs no arithmetic, unless a divergence is weighed in. */
  readonly advantages: readonly number[];
  /** The distinct prompts, a row each, and for each trajectory its row. */
  readonly prompts: EncodedText;
  readonly promptOfImage: readonly number[];
  /** The empty prompt, one row. */
  readonly empty: EncodedText;
  /** Trajectories of each optimizer step, in order. */
  readonly minibatches: readonly (readonly number[])[];
  /** Indices of the trained denoise steps. */
  readonly trainedSteps: readonly number[];
  /** (trajectory, denoise step) pairs per gradient call. */
  readonly batch: number;
  readonly objective: Objective;
  /** The policy that the objective weighs the divergence from; needed where it weighs one. */
  readonly reference?: Denoiser | undefined;
  readonly learningRate: number;
  /** Ends the update between two chunks; the minibatch under way is dropped. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the fraction done, in [0, 1]. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

/** One (trajectory, denoise step) pair as an update saw it. */
export interface PairReport extends TrajectoryRow {
  readonly logProb: number;
  readonly oldLogProb: number;
}

export interface OptimizerStepReport {
  readonly loss: number;
  /** 2-norm before clipping; 0 when nothing was to be learnt and no step was taken. */
  readonly gradientNorm: number;
  /** Whether the step was left out because the loss, a log-probability or the gradient was not finite. */
  readonly skipped: boolean;
  /** Mean divergence from the reference, when it is weighed in. */
  readonly klReference: number | undefined;
  /** None where they are not finite. */
  readonly pairs: readonly PairReport[];
}

/** Log-probabilities of batches of other sizes agree to 2e-6 in float32; a policy that differs is off by far more than this. */
const LOG_RATIO_NOISE = 5e-5;

/**
 * Takes one optimizer step per minibatch. A minibatch's gradient is the mean over its trajectories and trained denoise
 * steps, accumulated over chunks of `batch` pairs, so that the chunk size decides memory and not the result. A step whose
 * loss or gradient is not finite is left out.
 *
 * @throws the signal's reason when it is aborted; Error when a ratio is not 1 before the first step, for then the policy that
 *   learns is not the one that sampled
 */
export async function updatePolicy(
  policy: Denoiser,
  optimizer: AdamW,
  request: UpdateRequest,
): Promise<OptimizerStepReport[]> {
  const { minibatches, trainedSteps, advantages, objective, batch } = request;
  const total = minibatches.flat().length * trainedSteps.length;
  let done = 0;

  const reports: OptimizerStepReport[] = [];
  for (const [position, minibatch] of minibatches.entries()) {
    // Pairs of one denoise step stand together, as they did in the rollout.
    const rows = trainedSteps.flatMap((step) =>
      minibatch
        .filter((sample) => advantages[sample] !== 0 || objective.klWeight > 0)
        .map((sample) => ({ sample, step })),
    );
    const weight = 1 / (minibatch.length * trainedSteps.length);
    const chunks: ChunkResult[] = [];
    let gradient: tf.Tensor1D | undefined;
    try {
      for (let first = 0; first < rows.length; first += batch) {
        await nextTurn(request.signal);
        const chunk = rows.slice(first, first + batch);
        const result = chunkGradient(policy, request, chunk, weight);
        gradient = accumulate(gradient, result.gradient);
        chunks.push(result);
        done += chunk.length;
        request.onProgress?.(done / total);
      }
      // Read once a minibatch: whoever reads a tensor waits for all the work before it.
      const { pairs, loss, kl } = readChunks(chunks);
      const finite = Number.isFinite(loss) && pairs.every(isFinitePair);
      if (position === 0 && finite) checkOnPolicy(pairs);
      let gradientNorm = 0;
      if (!finite) gradientNorm = Number.NaN;
      else if (gradient !== undefined) {
        gradientNorm = optimizer.step([gradient], request.learningRate);
      }
      reports.push({
        loss,
        gradientNorm,
        skipped: !Number.isFinite(gradientNorm),
        klReference: objective.klWeight > 0 ? kl : undefined,
        pairs: finite ? pairs : [],
      });
    } finally {
      gradient?.dispose();
      for (const { logProb, loss, kl } of chunks) tf.dispose([logProb, loss, ...(kl ? [kl] : [])]);
    }
  }
  return reports;
}

interface ChunkResult extends LossAndGradient {
  readonly pairs: readonly TrajectoryRow[];
  /** Of the pairs, and of the padding after them, as `logProb`. */
  readonly oldLogProb: Float32Array;
}

function readChunks(chunks: readonly ChunkResult[]): {
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

/** Loss and gradient of one chunk, every pair with this weight. */
function chunkGradient(
  policy: Denoiser,
  request: UpdateRequest,
  pairs: readonly TrajectoryRow[],
  weight: number,
): ChunkResult {
  const { objective, trajectories, promptOfImage, advantages, empty } = request;
  const padding = objective.klWeight > 0 ? 0 : paddingOf(pairs.length, request.batch);
  const rows = [...pairs, ...new Array<TrajectoryRow>(padding).fill(pairs[0] as TrajectoryRow)];
  const { oldLogProb, steps, sample, previousSample } = trajectories.gather(rows);
  const result = tf.tidy(() =>
    lossAndGradient(
      denoiserOf(policy),
      referenceOf(request),
      objective,
      {
        sample,
        previousSample,
        moment: momentOf(policy, steps),
        conditioning: {
          prompts: gatherTexts(
            request.prompts,
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
      parallelParts(rows.length),
    ),
  );
  tf.dispose([sample, previousSample]);
  return { ...result, pairs, oldLogProb };
}

/** Alone, without what else a policy holds: a compiled function is given every tensor of its arguments. */
function denoiserOf({ unet, schedule, adapter, guidance, checkpoint }: Denoiser): Denoiser {
  return { unet, schedule, adapter, guidance, checkpoint };
}

function referenceOf({ objective, reference }: UpdateRequest): Denoiser | undefined {
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

/** Tensors of a chunk: a row per (trajectory, denoise step) pair. */
interface Chunk {
  readonly sample: tf.Tensor4D;
  readonly previousSample: tf.Tensor4D;
  readonly moment: Moment;
  readonly conditioning: Conditioning;
  readonly oldLogProb: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  /** What the chunk's mean counts in the minibatch's, `[]`. */
  readonly weight: tf.Scalar;
}

type LossAndGradient = {
  readonly loss: tf.Scalar;
  /** Of all trained weights, one after the other. */
  readonly gradient: tf.Tensor1D;
  readonly logProb: tf.Tensor1D;
  readonly kl: tf.Scalar | undefined;
};

/** The weighted loss, its gradient, and what it came from; compiled where the backend can. */
const lossAndGradient = compile(
  (
    policy: Denoiser,
    reference: Denoiser | undefined,
    objective: Objective,
    chunk: Chunk,
    parts: number,
  ): LossAndGradient => {
    const [rows] = chunk.sample.shape;
    const results = sideBySide(cutRows(chunk, parts), (part) => {
      const weight = tf.mul<tf.Scalar>(chunk.weight, part.sample.shape[0] / rows);
      return partLossAndGradient(policy, reference, objective, { ...part, weight });
    });
    const logProbs = results.map(({ logProb }) => logProb);
    const kls = results.flatMap(({ kl }) => kl ?? []);
    const joined: LossAndGradient = {
      loss: tf.addN(results.map(({ loss }) => loss)),
      gradient: tf.addN(results.map(({ gradient }) => gradient)),
      logProb: tf.concat1d(logProbs),
      kl: kls.length === 0 ? undefined : tf.addN(kls),
    };
    // Kept from inside the gradient, which frees what it makes.
    tf.dispose([...logProbs, ...kls]);
    return joined;
  },
);

function partLossAndGradient(
  policy: Denoiser,
  reference: Denoiser | undefined,
  objective: Objective,
  chunk: Chunk,
): LossAndGradient {
  const { sample, previousSample, moment, conditioning, weight } = chunk;
  const meanOf = (denoiser: Denoiser): tf.Tensor4D => {
    const output = predict(denoiser, sample, moment.timesteps, conditioning);
    return policyMean(denoiser.schedule, moment.step, sample, output);
  };
  const referenceMean = reference && meanOf(reference);
  const trained = trainedWeights(policy);
  const names = Object.keys(trained);
  let logProb: tf.Tensor1D | undefined;
  let kl: tf.Scalar | undefined;
  const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => {
    const weights = Object.fromEntries(
      names.map((name, index) => [name, given[index] as tf.Tensor]),
    );
    const mean = meanOf(withTrainedWeights(policy, weights));
    logProb = tf.keep(gaussianLogProb(previousSample, mean, moment.step));
    let loss: tf.Tensor = policyLoss(objective, { ...chunk, logProb });
    if (referenceMean !== undefined) {
      const sigma = stepSigmas(moment.step);
      const divergence = klToReference({ mean, referenceMean, sigma });
      kl = tf.keep(tf.mul<tf.Scalar>(divergence, weight));
      loss = tf.add(loss, tf.mul(divergence, objective.klWeight));
    }
    return tf.mul(loss, weight);
  })(Object.values(trained));
  const gradient = tf.concat1d(grads.map((part) => tf.reshape(part, [part.size])));
  return { loss: value as tf.Scalar, gradient, logProb: logProb as tf.Tensor1D, kl };
}

function isFinitePair({ logProb, oldLogProb }: PairReport): boolean {
  return Number.isFinite(logProb) && Number.isFinite(oldLogProb);
}

function checkOnPolicy(pairs: readonly PairReport[]): void {
  assertRatioIsOne(
    pairs.map((pair) => pair.logProb),
    pairs.map((pair) => pair.oldLogProb),
    LOG_RATIO_NOISE,
  );
}

function accumulate(sum: tf.Tensor1D | undefined, gradient: tf.Tensor1D): tf.Tensor1D {
  if (sum === undefined) return gradient;
  const next = tf.add<tf.Tensor1D>(sum, gradient);
  tf.dispose([sum, gradient]);
  return next;
}
