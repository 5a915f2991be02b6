/** Which pairs an update learns from, and how they weigh, on a network of a few thousand weights. */
import * as tf from '@tensorflow/tfjs-core';

import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import type { Optimizer } from './optimizer';
import { updatePolicy, type UpdateRequest } from './update';

let tiny: TinyPolicy;
let request: Omit<UpdateRequest, 'minibatches' | 'advantages'>;
beforeAll(async () => {
  tiny = await openTinyPolicy();
  request = {
    ...{ ...tiny.drawn, batch: 4, trainedSteps: [0], learningRate: 0 },
    objective: { name: 'loop', clipRange: 1e-4, klWeight: 0 },
  };
});
afterAll(() => {
  tiny.dispose();
});

/** An optimizer that keeps the gradients and moves nothing. */
function watcher() {
  const gradients: tf.Tensor[] = [];
  const step: Optimizer['step'] = (gradient) => {
    gradients.push(gradient.clone());
    return 1;
  };
  return { gradients, optimizer: { step } as Optimizer };
}

async function gradientOf(more: Pick<UpdateRequest, 'minibatches' | 'advantages'>) {
  const { gradients, optimizer } = watcher();
  await updatePolicy(tiny.policy, optimizer, { ...request, ...more });
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
  const reports = await updatePolicy(tiny.policy, optimizer, {
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
    return updatePolicy(tiny.policy, optimizer, {
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
