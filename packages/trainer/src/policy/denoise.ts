/** One step of the policy for a batch. */
import { takePolicyStep, type PolicyStep } from '@loop-diffusion/diffusion-mdp';
import { compile, parallelParts, sideBySide } from '@loop-diffusion/native-tensorflow';
import type * as tf from '@tensorflow/tfjs-core';

import type { Conditioning, Denoiser } from './policy';
import { predict, type Moment } from './predict';
import { cutRows, joinRows } from './rows';

/**
 * One denoise step of a batch, compiled where the backend can.
 *
 * @param noise z, standard normal, the shape of `sample`
 */
export function denoise(
  denoiser: Denoiser,
  moment: Moment,
  sample: tf.Tensor4D,
  noise: tf.Tensor4D,
  conditioning: Conditioning,
): PolicyStep {
  const batch = { moment, sample, noise, conditioning };
  return compiledDenoise(denoiser, batch, parallelParts(sample.shape[0]));
}

const compiledDenoise = compile((denoiser: Denoiser, batch: DenoiseBatch, parts: number) => {
  const taken = sideBySide(cutRows(batch, parts), ({ moment, sample, noise, conditioning }) => {
    const output = predict(denoiser, sample, moment.timesteps, conditioning);
    return takePolicyStep(denoiser.schedule, moment.step, sample, output, noise);
  });
  const logProbs = taken.flatMap(({ logProb }) => logProb ?? []);
  return {
    previousSample: joinRows(taken.map(({ previousSample }) => previousSample)),
    logProb: logProbs.length === 0 ? undefined : joinRows(logProbs),
  };
});

interface DenoiseBatch {
  readonly moment: Moment;
  readonly sample: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly conditioning: Conditioning;
}
