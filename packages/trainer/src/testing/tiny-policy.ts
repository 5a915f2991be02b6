/** A policy of a few thousand weights and four images that it drew in two steps, for the tests of learning. */
import {
  createNoiseSchedule,
  parseSchedulerConfig,
  planDenoiseSteps,
  type TrajectoryStore,
} from '@loop-diffusion/diffusion-mdp';
import { createLoraAdapter } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import type { TextsOfImages } from '../learning/term';
import { createCompute } from '../policy/compute';
import type { NoiseSource } from '../policy/image-batches';
import type { Policy } from '../policy/policy';
import { sampleTrajectories } from '../policy/rollout';
import { disposeTexts } from '../policy/text-condition';
import { createTextSource } from '../policy/text-source';
import { adapterRandom } from '../weights/adapter-random';
import { loadPipeline } from './fixtures';

const SHAPE = [8, 8, 4] as const;

export interface TinyPolicy {
  readonly policy: Policy;
  readonly drawn: TextsOfImages & { readonly trajectories: TrajectoryStore };
  /** What they were drawn from. */
  readonly noise: NoiseSource;
  readonly dispose: () => void;
}

export async function openTinyPolicy(): Promise<TinyPolicy> {
  const model = await loadPipeline();
  const compute = createCompute();
  const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
  const lora = { rank: 2, alpha: 2, targets: ['to_q'] };
  const adapter = createLoraAdapter(model.unet.weights, lora, adapterRandom(0));
  const texts = createTextSource(model, SHAPE);
  const policy: Policy = {
    ...{ model, unet: model.unet, schedule, guidance: 1, compute },
    ...{ latentShape: SHAPE, adapter, texts },
  };
  const text = {
    prompts: texts.encode(['a red circle']),
    empty: texts.empty(),
    promptOfImage: [0, 0, 0, 0],
  };
  const random = adapterRandom(1);
  const drawnNoise = new Map<string, Float32Array>();
  const noise: NoiseSource = (image, step) => {
    const key = `${image} ${step}`;
    const values = drawnNoise.get(key) ?? Float32Array.from(random.normal(8 * 8 * 4));
    drawnNoise.set(key, values);
    return values;
  };
  const trajectories = await sampleTrajectories(policy, {
    ...{ ...text, latentShape: SHAPE, batch: 4 },
    plan: planDenoiseSteps(schedule, { steps: 2, eta: 1 }),
    noise,
  });
  return {
    policy,
    drawn: { ...text, trajectories },
    noise,
    dispose() {
      compute.dispose();
      disposeTexts(text.prompts, text.empty);
      tf.dispose(adapter.weights);
      model.dispose();
    },
  };
}
