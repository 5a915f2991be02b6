/** The weighted loss of a chunk of (trajectory, denoise step) pairs and its gradient in the trained weights. */
import { gaussianLogProb, policyMean, stepSigmas } from '@loop-diffusion/diffusion-mdp';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import { klToReference } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import type { Conditioning, Denoiser } from '../policy/policy';
import { predict, type Moment } from '../policy/predict';
import { cutRows } from '../policy/rows';
import { trainedWeights, withTrainedWeights } from '../weights/trained-weights';
import { policyLoss, type Objective } from './algorithm';

/** Tensors of a chunk: a row per (trajectory, denoise step) pair. */
export interface Chunk {
  readonly sample: tf.Tensor4D;
  readonly previousSample: tf.Tensor4D;
  readonly moment: Moment;
  readonly conditioning: Conditioning;
  readonly oldLogProb: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  /** What the chunk's mean counts in the minibatch's, `[]`. */
  readonly weight: tf.Scalar;
}

export type LossAndGradient = {
  readonly loss: tf.Scalar;
  /** Of all trained weights, one after the other. */
  readonly gradient: tf.Tensor1D;
  readonly logProb: tf.Tensor1D;
  readonly kl: tf.Scalar | undefined;
};

/** The weighted loss, its gradient, and what it came from. */
export function lossAndGradient(
  policy: Denoiser,
  reference: Denoiser | undefined,
  objective: Objective,
  chunk: Chunk,
  parts: number,
): LossAndGradient {
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
}

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
