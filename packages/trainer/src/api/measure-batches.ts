/** How many rows at a time a model is fastest with on this machine. */
import { availableParallelism, totalmem } from 'node:os';

import { counterNormal, planDenoiseSteps } from '@loop-diffusion/diffusion-mdp';
import { createLoraAdapter } from '@loop-diffusion/diffusion-models';
import { scaleClipRange } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import { resolveConfig } from '../configuration/resolve-config';
import type { BackendSetting } from '../configuration/schema';
import { createOptimizer } from '../learning/create-optimizer';
import { trainableVariables } from '../learning/trainable-variables';
import { trajectoryTerm } from '../learning/trajectory-term';
import { updatePolicy } from '../learning/update';
import { loop } from '../methods/loop';
import type { TrajectoryObjective } from '../methods/method';
import { STREAMS } from '../noise-streams';
import { createCompute } from '../policy/compute';
import { latentShape, type ImageSize } from '../policy/latent-shape';
import type { Policy } from '../policy/policy';
import { sampleTrajectories } from '../policy/rollout';
import { disposeTexts } from '../policy/text-condition';
import { createTextSource } from '../policy/text-source';
import { adapterRandom } from '../weights/adapter-random';
import { openModel } from '../weights/open-model';
import { startBackend } from '../weights/start-backend';

export interface BatchMeasurement {
  readonly batch: number;
  /** Of one denoise step of one image. */
  readonly rolloutSeconds: number;
  /** Of the gradient of one (image, denoise step) pair. */
  readonly updateSeconds: number;
  /** Resident memory of the process after it. */
  readonly memoryBytes: number;
}

export interface BatchAdvice {
  readonly measurements: readonly BatchMeasurement[];
  /** For `batch.rollout` and `batch.update`. */
  readonly rollout: number;
  readonly update: number;
}

export interface MeasureBatchesOptions extends ImageSize {
  readonly model: string;
  readonly backend: BackendSetting;
  /** Classifier-free guidance scale; above 1 every image is two rows of the model. */
  readonly guidance: number;
  /** No larger batch is begun after so many seconds. */
  readonly seconds: number;
  readonly onProgress?: ((text: string, fraction: number) => void) | undefined;
}

const LARGEST = 256;
/** No batch is tried that would take more of the machine's memory than this. */
const MEMORY_FRACTION = 0.75;
/** A batch this near to the fastest is as good, and the smallest such takes least memory. */
const AS_GOOD = 1.05;

/**
 * Samples and learns with batches of doubling size, each twice, of which the second counts: the first compiles.
 *
 * @throws an error whose message says what is wrong with the model or the backend
 */
export async function measureBatches(options: MeasureBatchesOptions): Promise<BatchAdvice> {
  const { onProgress = () => undefined } = options;
  const started = performance.now();
  const cores = availableParallelism();
  const { lora, optimizer: settings } = resolveConfig(undefined);
  // By default there is one.
  if (lora === null) throw new TypeError('There is no adapter to measure with.');
  await startBackend(options.backend, cores);
  const { model, schedule, dispose } = await openModel({ model: options.model });
  const compute = createCompute();
  const adapter = createLoraAdapter(model.unet.weights, lora, adapterRandom(0));
  const variables = trainableVariables(adapter.weights);
  const optimizer = createOptimizer(variables, settings);
  const shape = latentShape(model, options);
  const texts = createTextSource(model, shape);
  const { guidance } = options;
  const policy: Policy = {
    ...{ model, unet: model.unet, schedule, adapter, guidance, compute },
    ...{ texts, latentShape: shape },
  };
  const prompts = texts.encode(['a photo']);
  const empty = texts.empty();
  const size = shape[0] * shape[1] * shape[2];
  const plan = planDenoiseSteps(schedule, { steps: 2, eta: 1 });

  /** Seconds per row of a rollout and of an update. */
  const measure = async (batch: number): Promise<[rollout: number, update: number]> => {
    const promptOfImage = new Array<number>(batch).fill(0);
    const start = performance.now();
    const trajectories = await sampleTrajectories(policy, {
      ...{ prompts, empty, promptOfImage, latentShape: shape, plan, batch },
      noise: (image, step) =>
        counterNormal({ seed: 0, prompt: 0, sample: image, step, stream: STREAMS.rollout }, size),
    });
    const sampled = performance.now();
    const clipRange = scaleClipRange(size);
    const term = trajectoryTerm({
      ...{ trajectories, prompts, empty, promptOfImage, batch, trainedSteps: [0], klWeight: 0 },
      advantages: promptOfImage.map((_, image) => (image % 2 === 0 ? 1 : -1)),
      objective: loop.objective({}) as TrajectoryObjective,
      context: { clipRange, latentSize: size },
      sampleDropout: undefined,
    });
    await updatePolicy(policy, optimizer, {
      terms: [term],
      minibatches: [promptOfImage.map((_, image) => image)],
      ...{ clipRange, learningRate: 0 },
    });
    const updated = performance.now();
    trajectories.clear();
    return [(sampled - start) / 1000 / (batch * plan.length), (updated - sampled) / 1000 / batch];
  };

  const measurements: BatchMeasurement[] = [];
  try {
    for (let batch = cores; batch <= LARGEST; batch *= 2) {
      const fraction = Math.min((performance.now() - started) / 1000 / options.seconds, 1);
      onProgress(`batch of ${batch}`, fraction);
      await measure(batch);
      const [rolloutSeconds, updateSeconds] = await measure(batch);
      const memoryBytes = process.memoryUsage.rss();
      measurements.push({ batch, rolloutSeconds, updateSeconds, memoryBytes });
      const growth = memoryBytes - (measurements.at(-2)?.memoryBytes ?? memoryBytes);
      if (memoryBytes + 2 * growth > MEMORY_FRACTION * totalmem()) break;
      if ((performance.now() - started) / 1000 > options.seconds) break;
    }
  } finally {
    optimizer.dispose();
    disposeTexts(prompts, empty);
    tf.dispose(variables);
    compute.dispose();
    dispose();
  }
  return {
    measurements,
    rollout: smallestGood(measurements, 'rolloutSeconds'),
    update: smallestGood(measurements, 'updateSeconds'),
  };
}

/** The smallest batch that is nearly as fast, row by row, as the fastest. */
export function smallestGood(
  measurements: readonly BatchMeasurement[],
  key: 'rolloutSeconds' | 'updateSeconds',
): number {
  const fastest = Math.min(...measurements.map((each) => each[key]));
  return measurements.find((each) => each[key] <= AS_GOOD * fastest)?.batch ?? 1;
}
