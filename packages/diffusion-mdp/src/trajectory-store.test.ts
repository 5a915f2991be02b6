import * as tf from '@tensorflow/tfjs-core';
import { planDenoiseSteps } from './denoise-plan';
import { createNoiseSchedule } from './noise-schedule';
import { parseSchedulerConfig } from './scheduler-config';
import { TrajectoryStore } from './trajectory-store';

// Three steps, the last of which arrives at no noise: σ = 0.
const plan = planDenoiseSteps(createNoiseSchedule(parseSchedulerConfig({})), { steps: 3, eta: 1 });

/** Latents whose values say where they belong: 100 · trajectory + 10 · position + element. */
function latents(trajectories: readonly number[]): tf.Tensor4D[] {
  return [0, 1, 2, 3].map((position) =>
    tf.tensor4d(
      trajectories.flatMap((one) => [0, 1].map((element) => 100 * one + 10 * position + element)),
      [trajectories.length, 1, 2, 1],
    ),
  );
}

const logProbs = (trajectories: readonly number[]) =>
  [0, 1, undefined].map((step) =>
    step === undefined ? undefined : tf.tensor1d(trajectories.map((one) => one + step / 10)),
  );

async function filled(): Promise<TrajectoryStore> {
  const store = new TrajectoryStore(plan, [1, 2, 1]);
  expect(await store.add(latents([0, 1]), logProbs([0, 1]))).toBe(0);
  expect(await store.add(latents([2]), logProbs([2]))).toBe(2);
  return store;
}

test('gathers rows of any trajectory and step, in the order asked for', async () => {
  const store = await filled();
  expect(store.size).toBe(3);
  expect(store.trainableSteps).toEqual([0, 1]);
  const batch = store.gather([
    { sample: 2, step: 1 },
    { sample: 0, step: 0 },
    { sample: 2, step: 1 },
  ]);
  expect(batch.sample.shape).toEqual([3, 1, 2, 1]);
  expect(Array.from(batch.sample.dataSync())).toEqual([210, 211, 0, 1, 210, 211]);
  expect(Array.from(batch.previousSample.dataSync())).toEqual([220, 221, 10, 11, 220, 221]);
  expect(batch.oldLogProb).toEqual(Float32Array.of(2.1, 0, 2.1));
  expect(batch.steps).toEqual([plan[1], plan[0], plan[1]]);
});

test('hands out final latents and whole trajectories', async () => {
  const store = await filled();
  const final = store.finalLatents([1, 0]);
  expect(final.shape).toEqual([2, 1, 2, 1]);
  expect(Array.from(final.dataSync())).toEqual([130, 131, 30, 31]);
  expect(Array.from(store.latents(1))).toEqual([100, 101, 110, 111, 120, 121, 130, 131]);
  expect(store.logProbs(1)).toEqual(Float32Array.of(1, 1.1, NaN));
  store.latents(1)[0] = -1;
  expect(store.latents(1)[0]).toBe(100);
});

test('keeps no tensors, and forgets', async () => {
  const store = new TrajectoryStore(plan, [1, 2, 1]);
  const [given, scores] = [latents([0]), logProbs([0])];
  const before = tf.memory().numTensors;
  await store.add(given, scores);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose(given);
  expect(Array.from(store.finalLatents([0]).dataSync())).toEqual([30, 31]);
  store.clear();
  expect(store.size).toBe(0);
  expect(() => store.latents(0)).toThrow('Trajectory 0 is not in the store, which holds 0.');
});

test('refuses what does not fit the plan, and adds nothing then', async () => {
  const store = new TrajectoryStore(plan, [1, 2, 1]);
  await expect(store.add(latents([0]).slice(1), logProbs([0]))).rejects.toThrow(
    /3 steps makes 4 latents and 3 log-probabilities, got 3 and 3/,
  );
  const wide = new TrajectoryStore(plan, [2, 2, 1]);
  await expect(wide.add(latents([0]), logProbs([0]))).rejects.toThrow(
    'latents[0] has shape [1, 1, 2, 1], expected [1, 2, 2, 1].',
  );
  await expect(store.add(latents([0]), logProbs([0, 1]))).rejects.toThrow(
    'logProbs[0] has shape [2], expected [1].',
  );
  await expect(store.add(latents([0]), [undefined, ...logProbs([0]).slice(1)])).rejects.toThrow(
    /logProbs\[0\] must be a tensor/,
  );
  const [first, second] = logProbs([0]);
  await expect(store.add(latents([0]), [first!, second!, first!])).rejects.toThrow(
    /logProbs\[2\] must be undefined.*sigma 0/,
  );
  const broken = latents([0, 1]);
  broken[2] = tf.tensor4d([0, 0, 0, NaN], [2, 1, 2, 1]);
  await expect(store.add(broken, logProbs([0, 1]))).rejects.toThrow(
    /latents\[2\] holds NaN in row 1/,
  );
  expect(store.size).toBe(0);
  expect(() => new TrajectoryStore([], [1, 2, 1])).toThrow(/at least one step/);
});

test('refuses rows that cannot be trained on', async () => {
  const store = await filled();
  expect(() => store.gather([{ sample: 0, step: 2 }])).toThrow(
    'Step 2 cannot be trained on, expected one of 0, 1.',
  );
  expect(() => store.gather([{ sample: 3, step: 0 }])).toThrow(/Trajectory 3/);
});

test('lists the rows that can be trained on, step by step', async () => {
  const store = await filled();
  const rows = store.trainingRows();
  expect(rows.map(({ sample, step }) => [step, sample])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
    [1, 1],
    [1, 2],
  ]);
  expect(store.gather(rows).oldLogProb).toEqual(Float32Array.of(0, 1, 2, 0.1, 1.1, 2.1));
  expect(store.trainingRows([2])).toEqual([
    { sample: 2, step: 0 },
    { sample: 2, step: 1 },
  ]);
});

test('keeps points of a plane as well as images', async () => {
  const store = new TrajectoryStore(plan, [2]);
  const points = (at: number): tf.Tensor2D => tf.tensor2d([[at, -at]]);
  await store.add([0, 1, 2, 3].map(points), logProbs([0]));
  const batch = store.gather([{ sample: 0, step: 1 }]);
  const found: tf.Tensor2D = batch.sample;
  expect(found.arraySync()).toEqual([[1, -1]]);
  expect(store.finalLatents([0]).arraySync()).toEqual([[3, -3]]);
});
