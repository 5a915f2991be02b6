/** The same trajectories, losses, gradients and weights as TRL 0.23's DDPOTrainer, on a pipeline that diffusers made. */
import { batchZScore } from '@loop-diffusion/advantage-estimators';
import {
  createNoiseSchedule,
  gaussianLogProb,
  parseSchedulerConfig,
  planDenoiseSteps,
  policyMean,
} from '@loop-diffusion/diffusion-mdp';
import type { LoraAdapter, StableDiffusion } from '@loop-diffusion/diffusion-models';
import { clippedSurrogate } from '@loop-diffusion/ppo-objective';
import * as tf from '@tensorflow/tfjs-core';

import { createAdamW } from '../learning/adamw';
import { trainableVariables } from '../learning/trainable-variables';
import { trajectoryTerm } from '../learning/trajectory-term';
import { updatePolicy } from '../learning/update';
import { createCompute } from '../policy/compute';
import type { Policy } from '../policy/policy';
import { predict } from '../policy/predict';
import { sampleTrajectories } from '../policy/rollout';
import { createTextSource } from '../policy/text-source';
import {
  channelsLast,
  FIXTURES,
  largestDifference,
  loadPipeline,
  PIPELINE,
  readJson,
  readLora,
  readTensors,
} from '../testing/fixtures';
import { loopObjective } from '../testing/tiny-term';

let model: StableDiffusion;
beforeAll(async () => {
  model = await loadPipeline();
});

function policyWith(adapter: LoraAdapter | undefined, guidance: number): Policy {
  const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
  return {
    ...{ model, unet: model.unet, schedule, adapter, guidance },
    compute: createCompute(),
    ...{ texts: texts(), latentShape: [8, 8, 4] },
  };
}

const texts = () => createTextSource(model, [8, 8, 4]);

/** Row `index` of the leading dimensions, on the host and channels last. */
function noiseRows(tensor: tf.Tensor): Float32Array[] {
  const [channels, height, width] = tensor.shape.slice(-3) as [number, number, number];
  return tf.tidy(() =>
    tf
      .unstack(channelsLast(tf.reshape(tensor, [-1, channels, height, width])))
      .map((row) => row.dataSync<'float32'>().slice()),
  );
}

describe('a rollout', () => {
  it("repeats TRL's pipeline step: latents, log-probabilities", async () => {
    const cases = readJson(PIPELINE, 'cases.json') as {
      prompts: string[];
      num_inference_steps: number;
      guidance_scale: number;
    };
    const io = readTensors(PIPELINE, 'io.safetensors');
    const policy = policyWith(undefined, cases.guidance_scale);
    const steps = cases.num_inference_steps;
    const starts = noiseRows(io.get('latents')!);
    const noise = noiseRows(io.get('ddpo.noise')!);
    const store = await sampleTrajectories(policy, {
      prompts: texts().encode(cases.prompts),
      empty: texts().empty(),
      promptOfImage: [0, 1],
      latentShape: [8, 8, 4],
      plan: planDenoiseSteps(policy.schedule, { steps, eta: 1 }),
      noise: (image, step) => (step === 0 ? starts[image]! : noise[image * steps + step - 1]!),
      batch: 2,
    });
    const latents = noiseRows(io.get('ddpo.latents')!);
    const logProbs = io.get('ddpo.log_probs')!.arraySync() as number[][];
    for (const image of [0, 1]) {
      const expected = latents.slice(image * (steps + 1), (image + 1) * (steps + 1));
      const actual = store.latents(image);
      const largest = Math.max(...expected.flatMap((row) => [...row]).map(Math.abs));
      for (const [index, value] of expected.flatMap((row) => [...row]).entries()) {
        // float32 noise is 2.9e-6 of the largest latent over the whole trajectory.
        expect(Math.abs(actual[index]! - value)).toBeLessThan(5e-5 * largest);
      }
      for (const [step, logProb] of store.logProbs(image).entries()) {
        // float32 noise is 1.6e-6.
        expect(Math.abs(logProb - logProbs[image]![step]!)).toBeLessThan(1e-5);
      }
    }
  });
});

interface LossCase {
  lora: string;
  train_cfg: boolean;
  clip_range: number;
  loss: number;
  grad_norm: number;
}

describe("TRL's calculate_loss", () => {
  const file = readJson(FIXTURES, 'ddpo-loss', 'cases.json') as {
    timesteps: number[];
    num_inference_steps: number;
    guidance_scale: number;
    adv_clip_max: number;
    cases: Record<string, LossCase>;
  };
  const namesWithGradients = ['onpolicy', 'offpolicy', 'perturbed', 'nocfg', 'wideclip'];

  it.each(namesWithGradients)('%s: loss, log-probabilities and LoRA gradients', (name) => {
    const expected = file.cases[name]!;
    const data = readTensors(FIXTURES, 'ddpo-loss', 'data.safetensors');
    const io = readTensors(FIXTURES, 'ddpo-loss', 'io.safetensors');
    const adapter = readLora(FIXTURES, 'ddpo-loss', expected.lora);
    const policy = policyWith(adapter, expected.train_cfg ? file.guidance_scale : 1);
    const plan = planDenoiseSteps(policy.schedule, { steps: file.num_inference_steps, eta: 1 });
    const steps = file.timesteps.map((timestep) => plan.find((row) => row.timestep === timestep)!);
    const sample = channelsLast(data.get('latents')!);
    const next = channelsLast(data.get('next_latents')!);
    const conditioning = {
      prompts: { states: data.get('prompt_embeds') as tf.Tensor3D, added: undefined },
      empty: { states: data.get('negative_prompt_embeds') as tf.Tensor3D, added: undefined },
    };
    const variables = trainableVariables(adapter.weights);
    let logProb: tf.Tensor1D | undefined;
    const { value, grads } = tf.variableGrads(() => {
      const output = predict(policy, sample, file.timesteps, conditioning);
      const mean = policyMean(policy.schedule, steps, sample, output);
      logProb = tf.keep(
        gaussianLogProb(
          next,
          mean,
          steps.map(({ sigma }) => sigma),
        ),
      );
      return clippedSurrogate({
        logProb,
        oldLogProb: io.get(`${name}.old_log_probs`) as tf.Tensor1D,
        advantages: data.get('advantages') as tf.Tensor1D,
        advantageClip: file.adv_clip_max,
        clipRange: expected.clip_range,
      });
    }, variables);
    // float32 noise of the loss is 4e-7, of the log-probabilities 1.6e-6.
    expect(Math.abs(value.dataSync()[0]! - expected.loss)).toBeLessThan(5e-6);
    expect(largestDifference(logProb!, io.get(`${name}.log_prob`)!)).toBeLessThan(1e-5);

    const gradients = readTensors(FIXTURES, 'ddpo-loss', `grads.${name}.safetensors`);
    for (const [index, key] of Object.keys(adapter.weights).entries()) {
      const peft = key.replace('.lora.down.', '.lora_A.').replace('.lora.up.', '.lora_B.');
      expect(grads[variables[index]!.name]!).toBeGradient(gradients.get(peft)!, 1e-4);
    }
  });
});

/** Counts how often values come from the device; what was written by the host and is still there is no transfer. */
function countTransfers() {
  const backend = tf.backend() as tf.KernelBackend & {
    readonly tensorMap: { get(dataId: object): { readonly values: unknown } };
    readSync(dataId: object): tf.BackendValues;
  };
  const readSync = backend.readSync.bind(backend);
  let count = 0;
  const spy = jest.spyOn(backend, 'readSync').mockImplementation((dataId) => {
    if (backend.tensorMap.get(dataId).values === null) count += 1;
    return readSync(dataId);
  });
  return {
    /** Since the last time. */
    take: () => {
      const taken = count;
      count = 0;
      return taken;
    },
    restore: () => {
      spy.mockRestore();
    },
  };
}

describe("a whole step of TRL's trainer", () => {
  it('ends with the same LoRA weights', async () => {
    const file = readJson(FIXTURES, 'ddpo-epoch', 'cases.json') as {
      prompts: string[];
      rewards: number[][];
      num_inference_steps: number;
      guidance_scale: number;
      clip_range: number;
      adv_clip_max: number;
      lr: number;
      weight_decay: number;
      max_grad_norm: number;
      sample_perm: number[];
      grad_norms_before_clip: number[];
    };
    const io = readTensors(FIXTURES, 'ddpo-epoch', 'io.safetensors');
    const adapter = readLora(FIXTURES, 'ddpo-epoch', 'lora_start.safetensors');
    const policy = policyWith(adapter, file.guidance_scale);
    const steps = file.num_inference_steps;
    const plan = planDenoiseSteps(policy.schedule, { steps, eta: 1 });
    const starts = noiseRows(io.get('initial_latents')!);
    const noise = noiseRows(io.get('noise')!);
    const text = {
      prompts: texts().encode(file.prompts),
      empty: texts().empty(),
      promptOfImage: [0, 1, 2, 3],
    };
    const transfers = countTransfers();
    const trajectories = await sampleTrajectories(policy, {
      ...text,
      latentShape: [8, 8, 4],
      plan,
      noise: (image, step) => (step === 0 ? starts[image]! : noise[image * steps + step - 1]!),
      batch: 2,
    });
    // Two batches, each read when it is done: its latents and log-probabilities, nothing on the way.
    expect(transfers.take()).toBe(2 * (steps + 1 + steps));
    const advantages = batchZScore(file.rewards).flat();
    const expectedAdvantages = io.get('advantages')!.dataSync();
    for (const [index, advantage] of advantages.entries()) {
      expect(Math.abs(advantage - expectedAdvantages[index]!)).toBeLessThan(1e-6);
    }

    const variables = trainableVariables(adapter.weights);
    const optimizer = createAdamW(variables, {
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: file.weight_decay,
      maxGradientNorm: file.max_grad_norm,
    });
    const reports = await updatePolicy(policy, optimizer, {
      terms: [
        trajectoryTerm({
          ...{ ...text, trajectories, advantages, batch: 3, klWeight: 0 },
          trainedSteps: plan.map(({ index }) => index),
          objective: loopObjective,
          context: { clipRange: file.clip_range, latentSize: 256 },
          sampleDropout: undefined,
        }),
      ],
      minibatches: [file.sample_perm.slice(0, 2), file.sample_perm.slice(2)],
      ...{ clipRange: file.clip_range, learningRate: file.lr },
    });
    // However many chunks: log-probabilities, loss and gradient norm of each of the two minibatches.
    expect(transfers.take()).toBe(2 * 3);
    transfers.restore();
    for (const [index, report] of reports.entries()) {
      const norm = file.grad_norms_before_clip[index]!;
      // Gradients agree to 1.2e-5 in relative L2.
      expect(Math.abs(report.gradientNorm - norm) / norm).toBeLessThan(1e-4);
    }
    const end = readLora(FIXTURES, 'ddpo-epoch', 'lora_end.safetensors');
    const start = readLora(FIXTURES, 'ddpo-epoch', 'lora_start.safetensors');
    let moved = 0;
    for (const [key, expected] of Object.entries(end.weights)) {
      // float32 noise is 3.8e-6: Adam divides small gradients by their own size. The weights moved by 4e-4.
      expect(largestDifference(adapter.weights[key]!, expected)).toBeLessThan(2e-5);
      moved = Math.max(moved, largestDifference(start.weights[key]!, expected));
    }
    expect(moved).toBeGreaterThan(3e-4);
  });
});
