/** Learning: from a rollout and its advantages to a policy that makes the better images more likely. */
import {
  gaussianLogProb,
  policyMean,
  type TrajectoryRow,
  type TrajectoryStore,
} from '@loop-diffusion/diffusion-mdp';
import { assertRatioIsOne, klToReference } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import { policyLoss, type Objective } from './algorithm';
import { nextTurn } from './next-turn';
import type { AdamW } from './optimizer';
import { predict, type Policy } from './policy';
import { gatherRows } from './rollout';

export interface UpdateRequest {
  readonly trajectories: TrajectoryStore;
  /** One per trajectory; where it is 0 the trajectory costs no arithmetic, unless a divergence is weighed in. */
  readonly advantages: readonly number[];
  /** Text states of the distinct prompts, `[prompts, tokens, width]`, and for each trajectory its row. */
  readonly prompts: tf.Tensor3D;
  readonly promptOfImage: readonly number[];
  /** The empty prompt's, `[1, tokens, width]`. */
  readonly empty: tf.Tensor3D;
  /** Trajectories of each optimizer step, in order. */
  readonly minibatches: readonly (readonly number[])[];
  /** Indices of the trained denoise steps. */
  readonly trainedSteps: readonly number[];
  /** (trajectory, denoise step) pairs per gradient call. */
  readonly batch: number;
  readonly objective: Objective;
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
  /** Mean divergence from the reference, when it is weighed in. */
  readonly klReference: number | undefined;
  readonly pairs: readonly PairReport[];
}

/** Log-probabilities of batches of other sizes agree to 2e-6 in float32; a policy that differs is off by far more than this. */
const LOG_RATIO_NOISE = 5e-5;

/**
 * Takes one optimizer step per minibatch. A minibatch's gradient is the mean over its trajectories and trained denoise
 * steps, accumulated over chunks of `batch` pairs, so that the chunk size decides memory and not the result.
 *
 * @throws the signal's reason when it is aborted; Error when a ratio is not 1 before the first step, for then the policy that
 *   learns is not the one that sampled
 */
export async function updatePolicy(
  policy: Policy,
  variables: readonly tf.Variable[],
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
    const scale = 1 / (minibatch.length * trainedSteps.length);
    const pairs: PairReport[] = [];
    let loss = 0;
    let kl = 0;
    let gradients: tf.Tensor[] = [];
    try {
      for (let first = 0; first < rows.length; first += batch) {
        await nextTurn(request.signal);
        const chunk = rows.slice(first, first + batch);
        const result = chunkGradients(policy, variables, request, chunk, chunk.length * scale);
        gradients = accumulate(gradients, result.gradients);
        if (position === 0) checkOnPolicy(result.pairs);
        pairs.push(...result.pairs);
        loss += result.loss;
        kl += result.kl;
        done += chunk.length;
        request.onProgress?.(done / total);
      }
      const gradientNorm =
        gradients.length > 0 ? optimizer.step(gradients, request.learningRate) : 0;
      const klReference = objective.klWeight > 0 ? kl : undefined;
      reports.push({ loss, gradientNorm, klReference, pairs });
    } finally {
      tf.dispose(gradients);
    }
  }
  return reports;
}

interface ChunkResult {
  readonly loss: number;
  readonly kl: number;
  readonly gradients: tf.Tensor[];
  readonly pairs: PairReport[];
}

/** Loss and gradients of one chunk, both times `share`, its part of the minibatch. */
function chunkGradients(
  policy: Policy,
  variables: readonly tf.Variable[],
  request: UpdateRequest,
  pairs: readonly TrajectoryRow[],
  share: number,
): ChunkResult {
  const { objective, trajectories, promptOfImage, advantages, empty } = request;
  const { sample, previousSample, oldLogProb, steps } = trajectories.gather(pairs);
  const prompts = gatherRows(
    request.prompts,
    pairs.map((pair) => promptOfImage[pair.sample] ?? 0),
  );
  const timesteps = steps.map((step) => step.timestep);
  const sigmas = steps.map((step) => step.sigma);
  const conditioning = { prompts, empty };
  const inputs = {
    oldLogProb: tf.tensor1d(oldLogProb),
    advantages: tf.tensor1d(pairs.map((pair) => advantages[pair.sample] ?? 0)),
  };
  const meanOf = (of: Policy): tf.Tensor4D =>
    policyMean(policy.schedule, steps, sample, predict(of, sample, timesteps, conditioning));
  const referenceMean =
    objective.klWeight > 0 ? tf.tidy(() => meanOf({ ...policy, adapter: undefined })) : undefined;

  let logProb: tf.Tensor1D | undefined;
  let kl: tf.Scalar | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const mean = meanOf(policy);
    logProb = tf.keep(gaussianLogProb(previousSample, mean, sigmas));
    let loss = policyLoss(objective, { ...inputs, logProb });
    if (referenceMean !== undefined) {
      const divergence = klToReference({ mean, referenceMean, sigma: sigmas });
      kl = tf.keep(divergence);
      loss = tf.add(loss, tf.mul(divergence, objective.klWeight));
    }
    return tf.mul(loss, share);
  }, [...variables]);
  const logProbs = logProb?.dataSync<'float32'>() ?? new Float32Array();
  const result = {
    loss: value.dataSync()[0] ?? Number.NaN,
    kl: (kl?.dataSync()[0] ?? 0) * share,
    gradients: variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable)),
    pairs: pairs.map((pair, row) => ({
      ...pair,
      logProb: logProbs[row] ?? Number.NaN,
      oldLogProb: oldLogProb[row] ?? Number.NaN,
    })),
  };
  tf.dispose([
    sample,
    previousSample,
    prompts,
    value,
    ...Object.values(inputs),
    ...[referenceMean, logProb, kl].filter((tensor) => tensor !== undefined),
  ]);
  return result;
}

function checkOnPolicy(pairs: readonly PairReport[]): void {
  assertRatioIsOne(
    pairs.map((pair) => pair.logProb),
    pairs.map((pair) => pair.oldLogProb),
    LOG_RATIO_NOISE,
  );
}

function accumulate(sum: tf.Tensor[], gradients: tf.Tensor[]): tf.Tensor[] {
  if (sum.length === 0) return gradients;
  const next = sum.map((tensor, index) => tf.add(tensor, gradients[index] as tf.Tensor));
  tf.dispose([...sum, ...gradients]);
  return next;
}
