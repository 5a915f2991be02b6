import * as tf from '@tensorflow/tfjs-core';
import { counterNormal } from './counter-noise';
import { planDenoiseSteps } from './denoise-plan';
import { createNoiseSchedule } from './noise-schedule';
import type { NoiseSchedule } from './noise-schedule';
import { classifierFreeGuidance, gaussianLogProb, policyMean, takePolicyStep } from './policy-step';
import { stepSigmas, stepTensor } from './step-tensor';
import { parseSchedulerConfig } from './scheduler-config';

const stableDiffusion = {
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  set_alpha_to_one: false,
  steps_offset: 1,
};

const schedule = (json: Record<string, unknown>) => createNoiseSchedule(parseSchedulerConfig(json));

/** The sample of diffusers' scheduler tests, `[4, 8, 8, 3]`. */
function dummySample(): tf.Tensor4D {
  const ramp = Float32Array.from({ length: 768 }, (_, index) => index / 768);
  return tf.tidy(() => tf.transpose(tf.tensor4d(ramp, [3, 8, 8, 4]), [3, 1, 2, 0]));
}

/** The network of diffusers' scheduler tests. */
const dummyModel = (sample: tf.Tensor4D, timestep: number): tf.Tensor4D =>
  tf.mul(sample, timestep / (timestep + 1));

function normal(step: number, shape: [number, number, number, number]): tf.Tensor4D {
  const count = shape.reduce((product, size) => product * size, 1);
  return tf.tensor4d(counterNormal({ seed: 5, prompt: 0, sample: 0, step }, count), shape);
}

describe.each(['best', 'cpu'])('on the %s backend', (backend) => {
  let usual = '';
  beforeAll(async () => {
    usual = tf.getBackend();
    if (backend === 'cpu') await tf.setBackend('cpu');
  });
  afterAll(() => tf.setBackend(usual));

  // The figures of diffusers' test_full_loop_*, with the digits that they state.
  test.each([
    { name: 'default', json: {}, sum: 172.0067, mean: 0.223967 },
    { name: 'v-prediction', json: { prediction_type: 'v_prediction' }, sum: 52.5302, mean: 0.0684 },
    {
      name: 'ᾱ to one',
      json: { set_alpha_to_one: true, beta_start: 0.01 },
      sum: 149.8295,
      mean: 0.1951,
    },
    {
      name: 'ᾱ to ᾱ_0',
      json: { set_alpha_to_one: false, beta_start: 0.01 },
      sum: 149.0784,
      mean: 0.1941,
    },
  ])('ten deterministic steps, $name', ({ json, sum, mean }) => {
    const noise = schedule(json);
    let sample = dummySample();
    for (const step of planDenoiseSteps(noise, { steps: 10, eta: 0 })) {
      const output = dummyModel(sample, step.timestep);
      sample = takePolicyStep(noise, step, sample, output, tf.zerosLike(sample)).previousSample;
    }
    expect(Math.abs(tf.sum(tf.abs(sample)).dataSync()[0]! - sum)).toBeLessThan(1e-3);
    expect(Math.abs(tf.mean(tf.abs(sample)).dataSync()[0]! - mean)).toBeLessThan(1e-4);
  });

  // The published formula in numpy float32: x_{t−1} = x_t, so that a wrong mean shows.
  test.each([
    { t: 981, plain: -0.132735, guided: -0.197061, half: 0.56228 },
    { t: 501, plain: 0.300698, guided: 0.263775, half: 0.994794 },
    { t: 21, plain: 1.963673, guided: -1.173617, half: 2.116409 },
    { t: 1, plain: 2.951552, guided: 2.869417, half: 3.637368 },
  ])('log-probabilities at t = $t', ({ t, plain, guided, half }) => {
    const noise = schedule(stableDiffusion);
    const sample = tf.sub<tf.Tensor4D>(tf.slice(dummySample(), 0, 2), 0.5);
    const output = dummyModel(sample, t);
    const score = (modelOutput: tf.Tensor4D, eta: number) => {
      const plan = planDenoiseSteps(noise, { steps: 50, eta });
      const step = plan.find(({ timestep }) => timestep === t)!;
      const mean = policyMean(noise, step, sample, modelOutput);
      return gaussianLogProb(sample, mean, step.sigma).dataSync()[0]!;
    };
    const unconditional = tf.div<tf.Tensor4D>(output, 2);
    // A rounding of x − μ is amplified by |x − μ| / σ². Against float64 the table itself is off by 4e-6 (half) and 1.3e-5
    // (guided) at t = 21.
    expect(Math.abs(score(output, 1) - plain)).toBeLessThan(3e-6);
    expect(Math.abs(score(output, 0.5) - half)).toBeLessThan(5e-6);
    expect(
      Math.abs(score(classifierFreeGuidance(unconditional, output, 5), 1) - guided),
    ).toBeLessThan(1.5e-5);
  });

  test('log-probability of a v-prediction', () => {
    const noise = schedule({ ...stableDiffusion, prediction_type: 'v_prediction' });
    const step = planDenoiseSteps(noise, { steps: 50, eta: 1 }).find(
      ({ timestep }) => timestep === 501,
    )!;
    const sample = tf.sub<tf.Tensor4D>(tf.slice(dummySample(), 0, 2), 0.5);
    const mean = policyMean(noise, step, sample, dummyModel(sample, 501));
    expect(gaussianLogProb(sample, mean, step.sigma).dataSync()[0]).toBeCloseTo(0.297344, 5);
  });

  test('a log-density by hand, one σ or one per row', () => {
    const value = tf.tensor4d([1, 3, 2, 2], [2, 1, 2, 1]);
    const mean = tf.tensor4d([0, 1, 2, 5], [2, 1, 2, 1]);
    const constant = Math.log(2) + 0.5 * Math.log(2 * Math.PI);
    const one = gaussianLogProb(value, mean, 2).dataSync();
    expect(one[0]).toBeCloseTo(-(1 + 4) / 2 / 8 - constant, 5);
    expect(one[1]).toBeCloseTo(-9 / 2 / 8 - constant, 5);
    const perRow = gaussianLogProb(value, mean, [2, 3]).dataSync();
    expect(perRow[0]).toBe(one[0]);
    expect(perRow[1]).toBeCloseTo(-9 / 2 / 18 - Math.log(3) - 0.5 * Math.log(2 * Math.PI), 5);
  });

  test('its gradient with respect to the mean is (x − μ) / (σ² D)', () => {
    const value = tf.tensor4d([1, 3, 2, 2], [1, 2, 2, 1]);
    const mean = tf.tensor4d([0, 1, 2, 5], [1, 2, 2, 1]);
    const gradient = tf.grad((mu) => gaussianLogProb(value, mu, 0.5))(mean);
    Array.from(gradient.dataSync()).forEach((slope, index) => {
      expect(slope).toBeCloseTo([1, 2, 0, -3][index]!, 5);
    });
  });

  test.each(['epsilon', 'v_prediction', 'sample'])(
    'the gradient reaches the network’s output as ∂μ/∂output, %s',
    (prediction_type) => {
      const noise = schedule({ ...stableDiffusion, prediction_type });
      const step = planDenoiseSteps(noise, { steps: 10, eta: 1 })[4]!;
      const sample = normal(0, [1, 2, 2, 1]);
      const output = normal(1, [1, 2, 2, 1]);
      const mean = (x: tf.Tensor) => policyMean(noise, step, sample, x as tf.Tensor4D);
      const gradient = tf
        .grad((x) => tf.sum(mean(x)))(output)
        .dataSync();
      const moved = tf.sub(mean(tf.add(output, 1)), mean(output)).dataSync();
      gradient.forEach((slope, index) => {
        expect(slope).toBeCloseTo(moved[index]!, 5);
      });
    },
  );

  test.each([stableDiffusion, { ...stableDiffusion, clip_sample: true }])(
    'a step per row is the same step bit by bit, and rows do not see each other (%#)',
    (json) => {
      const noise = schedule(json);
      const plan = planDenoiseSteps(noise, { steps: 5, eta: 1 });
      const shape: [number, number, number, number] = [5, 8, 8, 4];
      const [sample, output, draw] = [normal(0, shape), normal(1, shape), normal(2, shape)];
      const together = takePolicyStep(noise, plan, sample, output, draw);
      const logProbs = together.logProb!.dataSync();
      plan.forEach((step, row) => {
        const alone = (tensor: tf.Tensor4D) => tf.slice(tensor, [row, 0, 0, 0], [1, 8, 8, 4]);
        const taken = takePolicyStep(noise, step, alone(sample), alone(output), alone(draw));
        expect(taken.logProb!.dataSync()[0]).toBe(logProbs[row]);
        expect(Array.from(taken.previousSample.dataSync())).toEqual(
          Array.from(alone(together.previousSample).dataSync()),
        );
      });
      // The last step of clip_sample's schedule arrives at no noise, and has a tensor of its own.
      const random = plan.filter(({ sigma }) => sigma > 0);
      const rows = (tensor: tf.Tensor4D) => tf.slice(tensor, 0, random.length);
      const steps = stepTensor(noise, random);
      const packed = takePolicyStep(noise, steps, rows(sample), rows(output), rows(draw));
      expect(Array.from(packed.previousSample.dataSync())).toEqual(
        Array.from(rows(together.previousSample).dataSync()),
      );
      expect(Array.from(packed.logProb!.dataSync())).toEqual([...logProbs.slice(0, random.length)]);
      expect(Array.from(stepSigmas(steps).dataSync())).toEqual(
        random.map(({ sigma }) => Math.fround(sigma)),
      );
    },
  );

  test('the ratio is exactly 1 before the first update', () => {
    const noise = schedule(stableDiffusion);
    const plan = planDenoiseSteps(noise, { steps: 4, eta: 1 });
    let sample = normal(9, [3, 8, 8, 4]);
    for (const step of plan) {
      const output = tf.tanh<tf.Tensor4D>(sample);
      const taken = takePolicyStep(noise, step, sample, output, normal(step.index, [3, 8, 8, 4]));
      // What an update does: recompute from the stored latents, inside a gradient, a step per row.
      const rescore = (modelOutput: tf.Tensor) => {
        const rows = [step, step, step];
        const mean = policyMean(noise, rows, sample, modelOutput as tf.Tensor4D);
        return gaussianLogProb(
          taken.previousSample,
          mean,
          rows.map(({ sigma }) => sigma),
        );
      };
      const { value } = tf.valueAndGrad((x) => tf.sum(rescore(x)))(output);
      expect(value.dataSync()[0]).toBe(tf.sum(taken.logProb!).dataSync()[0]);
      expect(Array.from(rescore(output).dataSync())).toEqual(Array.from(taken.logProb!.dataSync()));
      sample = taken.previousSample;
    }
  });

  test('float32 log-probabilities of a large latent keep six digits', () => {
    const value = normal(3, [2, 64, 64, 4]);
    const mean = normal(4, [2, 64, 64, 4]);
    const [x, mu] = [value.dataSync(), mean.dataSync()];
    const actual = gaussianLogProb(value, mean, 0.3).dataSync();
    const size = 64 * 64 * 4;
    for (const row of [0, 1]) {
      let total = 0;
      for (let index = row * size; index < (row + 1) * size; index += 1) {
        total += (x[index]! - mu[index]!) ** 2;
      }
      const exact = -total / size / 0.18 - Math.log(0.3) - 0.5 * Math.log(2 * Math.PI);
      // About −11 in size: one float32 rounding is 5e-7.
      expect(Math.abs(actual[row]! - exact)).toBeLessThan(3e-6);
    }
  });

  test('nothing but the results is left behind', () => {
    const noise = schedule({});
    const [first] = planDenoiseSteps(noise, { steps: 5, eta: 1 });
    const [sample, output, draw] = [0, 1, 2].map((n) => normal(n, [2, 2, 2, 1]));
    const before = tf.memory().numTensors;
    const taken = takePolicyStep(noise, first!, sample!, output!, draw!);
    expect(tf.memory().numTensors).toBe(before + 2);
    tf.dispose([taken.previousSample, taken.logProb!]);
    tf.dispose(classifierFreeGuidance(sample!, output!, 2));
    expect(tf.memory().numTensors).toBe(before);
  });
});

test('deterministic steps take the mean and have no log-probability', () => {
  const noise = schedule(stableDiffusion);
  const [step] = planDenoiseSteps(noise, { steps: 5, eta: 0 });
  const [sample, output] = [normal(0, [2, 2, 2, 1]), normal(1, [2, 2, 2, 1])];
  const { previousSample, logProb } = takePolicyStep(
    noise,
    step!,
    sample,
    output,
    normal(2, [2, 2, 2, 1]),
  );
  expect(logProb).toBeUndefined();
  const mean = policyMean(noise, step!, sample, output);
  expect(Array.from(previousSample.dataSync())).toEqual(Array.from(mean.dataSync()));
});

test('guidance 0, 1 and beyond', () => {
  const [u, c] = [tf.fill<tf.Rank.R4>([1, 1, 1, 1], 2), tf.fill<tf.Rank.R4>([1, 1, 1, 1], 3)];
  const at = (scale: number) => classifierFreeGuidance(u, c, scale).dataSync()[0];
  expect([at(0), at(1), at(5)]).toEqual([2, 3, 7]);
  expect(() => at(NaN)).toThrow(/guidance scale/);
});

test('shapes and sigmas are checked, with both shapes in the message', () => {
  const noise: NoiseSchedule = schedule(stableDiffusion);
  const plan = planDenoiseSteps(noise, { steps: 2, eta: 1 });
  const [small, large] = [tf.zeros<tf.Rank.R4>([1, 2, 2, 1]), tf.zeros<tf.Rank.R4>([2, 2, 2, 1])];
  expect(() => policyMean(noise, plan[0]!, small, large)).toThrow(
    /sample \[1, 2, 2, 1\] and modelOutput \[2, 2, 2, 1\]/,
  );
  expect(() => takePolicyStep(noise, plan[0]!, small, small, large)).toThrow(
    /noise \[2, 2, 2, 1\]/,
  );
  expect(() => policyMean(noise, plan, small, small)).toThrow(/batch has 1 rows, but 2 entries/);
  expect(() => classifierFreeGuidance(small, large, 1)).toThrow(/unconditional.*conditional/);
  const steps = stepTensor(noise, plan);
  expect(() => policyMean(noise, steps, small, small)).toThrow(/batch has 1 rows, but the steps/);
  const still = { ...plan[0]!, sigma: 0 };
  expect(() => stepTensor(noise, [plan[0]!, still])).toThrow(/sigma 0 and steps with randomness/);
  expect(() => gaussianLogProb(small, small, stepTensor(noise, [still]))).toThrow(/no density/);
  expect(() => gaussianLogProb(small, small, 0)).toThrow(/sigma 0 has no density/);
  expect(() => gaussianLogProb(large, large, [1, -1])).toThrow(/sigma -1/);
  expect(() => gaussianLogProb(large, large, [1])).toThrow(/batch has 2 rows, but 1 entries/);
});

test('points of a plane are as good as images', () => {
  const noise = schedule(stableDiffusion);
  const plan = planDenoiseSteps(noise, { steps: 4, eta: 1 });
  const image = normal(0, [4, 1, 1, 2]);
  const points = (tensor: tf.Tensor): tf.Tensor2D => tf.reshape(tensor, [4, 2]);
  for (const steps of [plan[1]!, plan, stepTensor(noise, plan)]) {
    const [output, z] = [normal(1, [4, 1, 1, 2]), normal(2, [4, 1, 1, 2])];
    const expected = takePolicyStep(noise, steps, image, output, z);
    // A type, and not an interface: tf.tidy returns it.
    const { previousSample, logProb } = tf.tidy(() =>
      takePolicyStep(noise, steps, points(image), points(output), points(z)),
    );
    const found: tf.Tensor2D = previousSample;
    expect(found.arraySync()).toEqual(points(expected.previousSample).arraySync());
    expect(logProb!.arraySync()).toEqual(expected.logProb!.arraySync());
  }
  expect(() => policyMean(noise, plan[0]!, tf.scalar(1), tf.scalar(1))).toThrow(
    'Expected a batch [batch, …], got a scalar.',
  );
});
