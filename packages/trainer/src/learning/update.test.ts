/** Which pairs an update learns from, and how they weigh, on a network of a few thousand weights. */
import {
  createNoiseSchedule,
  parseSchedulerConfig,
  planDenoiseSteps,
} from '@loop-diffusion/diffusion-mdp';
import { createLoraAdapter, type StableDiffusion } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { createCompute, type Compute } from '../policy/compute';
import type { Policy } from '../policy/policy';
import { sampleTrajectories } from '../policy/rollout';
import { createTextSource } from '../policy/text-source';
import { loadPipeline } from '../testing/fixtures';
import { adapterRandom } from '../weights/adapter-random';
import type { AdamW } from './optimizer';
import { updatePolicy, type UpdateRequest } from './update';

const SHAPE = [8, 8, 4] as const;

let model: StableDiffusion;
let compute: Compute;
let policy: Policy;
let request: Omit<UpdateRequest, 'minibatches' | 'advantages'>;
beforeAll(async () => {
  model = await loadPipeline();
  compute = createCompute();
  const schedule = createNoiseSchedule(parseSchedulerConfig(model.scheduler));
  const lora = { rank: 2, alpha: 2, targets: ['to_q'] };
  policy = {
    ...{ model, unet: model.unet, schedule, guidance: 1, compute, latentShape: SHAPE },
    adapter: createLoraAdapter(model.unet.weights, lora, adapterRandom(0)),
    texts: createTextSource(model, SHAPE),
  };
  const random = adapterRandom(1);
  const rollout = {
    prompts: policy.texts.encode(['a red circle']),
    empty: policy.texts.empty(),
    promptOfImage: [0, 0, 0, 0],
    ...{ plan: planDenoiseSteps(schedule, { steps: 2, eta: 1 }), batch: 4 },
  };
  const trajectories = await sampleTrajectories(policy, {
    ...{ ...rollout, latentShape: SHAPE },
    noise: () => Float32Array.from(random.normal(8 * 8 * 4)),
  });
  request = {
    ...{ ...rollout, trajectories, trainedSteps: [0], learningRate: 0 },
    objective: { name: 'loop', clipRange: 1e-4, klWeight: 0 },
  };
});
afterAll(() => {
  compute.dispose();
  model.dispose();
});

/** An optimizer that keeps the gradients and moves nothing. */
function watcher() {
  const gradients: tf.Tensor[] = [];
  const step: AdamW['step'] = ([gradient]) => {
    gradients.push(gradient!.clone());
    return 1;
  };
  return { gradients, optimizer: { step } as AdamW };
}

async function gradientOf(more: Pick<UpdateRequest, 'minibatches' | 'advantages'>) {
  const { gradients, optimizer } = watcher();
  await updatePolicy(policy, optimizer, { ...request, ...more });
  expect(gradients).toHaveLength(1);
  return gradients[0]!;
}

test('the gradient is the mean over the images of a minibatch: that of two halves is half the sum of theirs', async () => {
  const advantages = [1, -2, 0.5, 0];
  const [one, other, both] = [
    await gradientOf({ advantages, minibatches: [[0, 3]] }),
    await gradientOf({ advantages, minibatches: [[1, 2]] }),
    await gradientOf({ advantages, minibatches: [[0, 1, 2, 3]] }),
  ];
  expect(both).toBeGradient(tf.mul(tf.add(one, other), 0.5), 1e-5);
});

test('images without a pair make no step', async () => {
  const { gradients, optimizer } = watcher();
  const reports = await updatePolicy(policy, optimizer, {
    ...{ ...request, advantages: [0, 0, 0, 0], minibatches: [[0, 1], []] },
  });
  expect(gradients).toHaveLength(0);
  expect(reports).toMatchObject([
    { gradientNorm: 0, loss: 0, skipped: false },
    { gradientNorm: 0, loss: 0, skipped: false },
  ]);
});

test('ratios are checked in every minibatch before the first step, and in none after it', async () => {
  const advantages = [1, 1, 1, 1];
  // As if what is learnt from had been drawn by another policy, which is off by half a clip range.
  const gather = request.trajectories.gather.bind(request.trajectories);
  const spy = jest.spyOn(request.trajectories, 'gather');
  const shifted = (by: number): ReturnType<typeof gather> & object => {
    const rows = gather([
      { sample: 0, step: 0 },
      { sample: 1, step: 0 },
    ]);
    return { ...rows, oldLogProb: rows.oldLogProb.map((value) => value + by) };
  };
  const update = (first: number, second: number) => {
    const { optimizer } = watcher();
    spy.mockReset();
    spy.mockReturnValueOnce(shifted(first)).mockReturnValueOnce(shifted(second));
    return updatePolicy(policy, optimizer, {
      ...{ ...request, advantages, batch: 2 },
      minibatches: [
        [0, 1],
        [0, 1],
      ],
    });
  };
  await expect(update(5e-5, 0)).rejects.toThrow('The ratio must be 1 before the first update');
  // The first is left out, for its numbers are not finite; the second would then be the first step.
  await expect(update(Number.NaN, 5e-5)).rejects.toThrow('before the first update');
  await expect(update(0, 5e-5)).resolves.toMatchObject([{ skipped: false }, { skipped: false }]);
  spy.mockRestore();
});
