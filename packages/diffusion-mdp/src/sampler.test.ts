import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { createSampler } from './sampler';
import { parseSamplerConfig, type SamplerName } from './sampler-config';
import { samplerStepTensor, scaleModelInput, takeSamplerStep } from './sampler-step';
import type { SampledStep } from './sampler-step';

const sampler = (name: SamplerName, json: Record<string, unknown>, steps: number) =>
  createSampler(parseSamplerConfig(json, name), steps);

const stableDiffusion = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' };

/** The sample of diffusers' scheduler tests, `[4, 8, 8, 3]`. */
function dummySample(): tf.Tensor4D {
  const ramp = Float32Array.from({ length: 768 }, (_, index) => index / 768);
  return tf.tidy(() => tf.transpose(tf.tensor4d(ramp, [3, 8, 8, 4]), [3, 1, 2, 0]));
}

// The figures of diffusers' test_scheduler_euler and test_scheduler_dpm_multi, with the digits that they state. Euler's loop
// there goes on from the scaled sample.
const eulerTest = { num_train_timesteps: 1100 };
const dpmSolverTest = { lower_order_final: false, final_sigmas_type: 'sigma_min' };
test.each([
  { name: 'euler', json: eulerTest, sum: 10.0807, mean: 0.0131 },
  { name: 'euler', json: { ...eulerTest, use_karras_sigmas: true }, sum: 124.523, mean: 0.1621 },
  { name: 'dpm-solver++', json: dpmSolverTest, sum: 253.5514, mean: 0.3301 },
  {
    name: 'dpm-solver++',
    json: { ...dpmSolverTest, prediction_type: 'v_prediction' },
    sum: 172.874,
    mean: 0.2251,
  },
] as const)('ten steps, $name $json', ({ name, json, sum, mean }) => {
  tf.tidy(() => {
    const { steps, initialNoiseSigma } = sampler(name, json, 10);
    let sample: tf.Tensor4D = tf.mul(dummySample(), initialNoiseSigma);
    let previousOriginal: tf.Tensor4D | null = null;
    for (const step of steps) {
      const input = scaleModelInput(step, sample);
      const output: tf.Tensor4D = tf.mul(input, step.timestep / (step.timestep + 1));
      const from = name === 'euler' ? input : sample;
      const taken: SampledStep = takeSamplerStep(step, from, output, previousOriginal);
      ({ sample, original: previousOriginal } = taken);
    }
    const size = tf.abs(sample);
    expect(Math.abs(tf.sum(size).dataSync()[0]! - sum)).toBeLessThan(1e-3);
    expect(Math.abs(tf.mean(size).dataSync()[0]! - mean)).toBeLessThan(1e-4);
  });
});

test('a network that always knows x0 is believed: any sampler ends there', () => {
  const options = fc.record({
    timestep_spacing: fc.constantFrom('leading', 'trailing', 'linspace'),
    steps_offset: fc.integer({ min: 0, max: 2 }),
    prediction_type: fc.constantFrom('epsilon', 'v_prediction', 'sample'),
    use_karras_sigmas: fc.boolean(),
    solver_order: fc.constantFrom(1, 2),
    solver_type: fc.constantFrom('midpoint', 'heun'),
  });
  const names = fc.constantFrom<SamplerName[]>('euler', 'dpm-solver++');
  fc.assert(
    fc.property(names, options, fc.integer({ min: 1, max: 40 }), (name, json, count) => {
      const { steps, initialNoiseSigma } = sampler(name, { ...stableDiffusion, ...json }, count);
      const original = 0.7;
      let [sample, previousOriginal] = [1.3 * initialNoiseSigma, 0];
      for (const { sigma, weights } of steps) {
        // In float64: x = α x0 + s ε is what the network sees, and what it says follows.
        const signal = 1 / Math.hypot(sigma, 1);
        const input = sample * weights.inputScale;
        const epsilon = (input - signal * original) / (sigma * signal);
        const velocity = signal * epsilon - sigma * signal * original;
        const output = { epsilon, v_prediction: velocity, sample: original }[json.prediction_type];
        const found = sample * weights.originalFromSample + output * weights.originalFromOutput;
        sample =
          sample * weights.nextFromSample +
          found * weights.nextFromOriginal +
          previousOriginal * weights.nextFromPrevious;
        previousOriginal = found;
      }
      expect(sample).toBeCloseTo(original, 10);
    }),
    { numRuns: 200 },
  );
});

test('the last step at first order, as it is asked for', () => {
  const last = (json: Record<string, unknown>, steps: number) =>
    sampler('dpm-solver++', { ...stableDiffusion, ...json }, steps).steps.at(-1)!.weights
      .nextFromPrevious === 0;
  const noise = { final_sigmas_type: 'sigma_min' };
  expect(last({}, 20)).toBe(true);
  expect(last(noise, 14)).toBe(true);
  expect(last(noise, 15)).toBe(false);
  expect(last({ ...noise, lower_order_final: false }, 14)).toBe(false);
  expect(last({ ...noise, euler_at_final: true }, 15)).toBe(true);
});

test('a step in a tensor gives the same bits as its numbers, and nothing is left behind', () => {
  const [, step] = sampler('dpm-solver++', stableDiffusion, 5).steps;
  const [sample, output, previous] = [1, 2, 3].map((seed) =>
    tf.randomNormal([2, 3, 4, 4], 0, 1, 'float32', seed),
  ) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const before = tf.memory().numTensors;
  const numbers = samplerStepTensor(step!);
  const [first, second] = [step!, numbers].map((form) => {
    const input = scaleModelInput(form, sample);
    const taken = takeSamplerStep(form, sample, output, previous);
    const values = [input, taken.sample, taken.original].map((tensor) => tensor.dataSync());
    tf.dispose([input, taken.sample, taken.original]);
    return values;
  });
  expect(first).toEqual(second);
  tf.dispose(numbers);
  expect(tf.memory().numTensors).toBe(before);
  expect(() => takeSamplerStep(step!, sample, tf.zeros([2, 3, 4, 1]), null)).toThrow(
    "A step's tensors must have the sample's shape [2, 3, 4, 4], got [2, 3, 4, 1].",
  );
});

test('what cannot be planned is refused', () => {
  const plan = (json: Record<string, unknown>, steps: number, name: SamplerName = 'euler') =>
    sampler(name, { ...stableDiffusion, ...json }, steps);
  expect(() => plan({}, 0)).toThrow('Denoise steps must be a whole number from 1 to 1000, got 0.');
  expect(() => plan({}, 2.5)).toThrow(/got 2.5/);
  expect(() => plan({}, 1001)).toThrow(/got 1001/);
  const leading = { timestep_spacing: 'leading', steps_offset: 1 };
  expect(() => plan(leading, 1000)).toThrow(
    '1000 steps start at timestep 1000, but the network knows 0 to 999. Take fewer steps.',
  );
  expect(() => plan(leading, 1000, 'dpm-solver++')).toThrow(/noise must fall at every step/);
  expect(() => plan({ beta_start: 0 }, 10)).toThrow(/from sigma 0 to 0 at timestep 0/);
});
