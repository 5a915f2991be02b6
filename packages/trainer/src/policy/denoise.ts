/** One step of the policy for a batch. */
import { takePolicyStep, type PolicyStep } from '@loop-diffusion/diffusion-mdp';
import { sideBySide } from '@loop-diffusion/native-tensorflow';
import type * as tf from '@tensorflow/tfjs-core';

import type { Compute } from './compute';
import type { Conditioning, Denoiser } from './policy';
import { predict, type Moment } from './predict';
import { cutRows, joinRows, partsOf } from './rows';

/** One denoise step of a batch. */
export function denoise(compute: Compute, denoiser: Denoiser, batch: DenoiseBatch): PolicyStep {
  return compute.run(denoiseBatch, denoiser, batch, partsOf(batch.sample));
}

function denoiseBatch(denoiser: Denoiser, batch: DenoiseBatch, parts: number): PolicyStep {
  const taken = sideBySide(cutRows(batch, parts), ({ moment, sample, noise, conditioning }) => {
    const output = predict(denoiser, sample, moment.timesteps, conditioning);
    return takePolicyStep(denoiser.schedule, moment.step, sample, output, noise);
  });
  const logProbs = taken.flatMap(({ logProb }) => logProb ?? []);
  return {
    previousSample: joinRows(taken.map(({ previousSample }) => previousSample)),
    logProb: logProbs.length === 0 ? undefined : joinRows(logProbs),
  };
}

export interface DenoiseBatch {
  readonly moment: Moment;
  readonly sample: tf.Tensor4D;
  /** z, standard normal, the shape of `sample`. */
  readonly noise: tf.Tensor4D;
  readonly conditioning: Conditioning;
}
