/** The gradient of a whole UNet as an update takes it, against PyTorch's (tools/parity/unet-gradients.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  createNoiseSchedule,
  parseSchedulerConfig,
  planDenoiseSteps,
} from '@loop-diffusion/diffusion-mdp';
import { weightsFromSafetensors, type StableDiffusion } from '@loop-diffusion/diffusion-models';
import { readSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { createCompute } from '../policy/compute';
import type { Policy } from '../policy/policy';
import { sampleTrajectories } from '../policy/rollout';
import { createTextSource } from '../policy/text-source';
import {
  channelsLast,
  FIXTURES,
  loadPipeline,
  PIPELINE,
  readJson,
  readTensors,
} from '../testing/fixtures';
import { loopObjective } from '../testing/tiny-term';
import type { Optimizer } from './optimizer';
import { trainableUNet, trainableVariables } from './trainable-variables';
import { trajectoryTerm } from './trajectory-term';
import { updatePolicy } from './update';

let model: StableDiffusion;
beforeAll(async () => {
  model = await loadPipeline();
});
afterAll(() => {
  model.dispose();
});

const recorded = readJson(FIXTURES, 'unet-gradients', 'cases.json') as {
  advantages: number[];
  loss: number;
  gradient_norm: number;
  norms: Record<string, number>;
};

/** Numbers of each latent, channels last. */
function rows(latents: tf.Tensor): Float32Array[] {
  return tf.tidy(() => {
    const images = tf.reshape(latents, [-1, 4, 8, 8]);
    return tf.unstack(channelsLast(images)).map((row) => row.dataSync<'float32'>().slice());
  });
}

/** Samples what diffusers sampled and learns from it, with an optimizer that only looks. */
async function learn(checkpoint: boolean) {
  const cases = readJson(PIPELINE, 'cases.json') as {
    prompts: string[];
    num_inference_steps: number;
    guidance_scale: number;
  };
  const io = readTensors(PIPELINE, 'io.safetensors');
  const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
  const steps = cases.num_inference_steps;
  const plan = planDenoiseSteps(schedule, { steps, eta: 1 });
  const texts = createTextSource(model, [8, 8, 4]);
  const unet = trainableUNet(model.unet);
  const policy: Policy = {
    ...{ model, unet, schedule, guidance: cases.guidance_scale, gradientCheckpointing: checkpoint },
    compute: createCompute(),
    ...{ texts, latentShape: [8, 8, 4] },
  };
  const request = {
    prompts: texts.encode(cases.prompts),
    empty: texts.empty(),
    promptOfImage: [0, 1],
  };
  const starts = rows(io.get('latents')!);
  const noise = rows(io.get('ddpo.noise')!);
  const trajectories = await sampleTrajectories(policy, {
    ...{ ...request, latentShape: [8, 8, 4] as const, plan, batch: 2 },
    noise: (image, step) => (step === 0 ? starts[image]! : noise[image * steps + step - 1]!),
  });
  let gradient: tf.Tensor | undefined;
  const looksOnly: Pick<Optimizer, 'step'> = {
    step: (given) => {
      gradient = given.clone();
      return 1;
    },
  };
  const [report] = await updatePolicy(policy, looksOnly as Optimizer, {
    terms: [
      trajectoryTerm({
        ...{ ...request, trajectories, batch: 4, klWeight: 0, sampleDropout: undefined },
        advantages: recorded.advantages,
        trainedSteps: plan.map(({ index }) => index),
        objective: loopObjective,
        context: { clipRange: 1e-3, latentSize: 256 },
      }),
    ],
    minibatches: [[0, 1]],
    ...{ clipRange: 1e-3, learningRate: 0 },
  });
  const variables = trainableVariables(unet.weights);
  const parts = tf.split(
    gradient!,
    variables.map(({ size }) => size),
  );
  const gradients = new Map(
    Object.keys(unet.weights).map((key, index) => [
      key,
      tf.reshape(parts[index]!, variables[index]!.shape),
    ]),
  );
  tf.dispose(variables);
  return { report: report!, gradients };
}

test.each([false, true])('of every weight, with gradient checkpoints: %s', async (checkpoint) => {
  const { report, gradients } = await learn(checkpoint);
  // Ratios are 1, up to the noise that float32 leaves in log-probabilities.
  expect(Math.abs(report.loss - recorded.loss)).toBeLessThan(5e-6);
  for (const { logProb, oldLogProb } of report.pairs) {
    expect(Math.abs(logProb - oldLogProb)).toBeLessThan(1e-5);
  }
  expect([...gradients.keys()].sort()).toEqual(Object.keys(recorded.norms).sort());
  for (const [key, gradient] of gradients) {
    const norm = tf.norm(gradient).dataSync()[0]!;
    expect(Math.abs(norm - recorded.norms[key]!)).toBeLessThan(1e-4 * recorded.gradient_norm);
  }
  const file = join(FIXTURES, 'unet-gradients', 'gradients.safetensors');
  const expected = weightsFromSafetensors(readSafetensors(new Uint8Array(readFileSync(file))));
  for (const [key, gradient] of Object.entries(expected)) {
    expect(gradients.get(key)!).toBeGradient(gradient, 5e-5);
  }
});
