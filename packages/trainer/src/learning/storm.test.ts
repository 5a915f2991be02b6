import * as tf from '@tensorflow/tfjs-core';

import { flatten } from './flat-weights';
import type { Optimizer, OptimizerState } from './optimizer';
import { createStorm, type StormOptions } from './storm';

const options: StormOptions = {
  storm: { units: 'own', k: 0.1, floor: 0.1, c: 100 },
  learningRate: 1,
  maxGradientNorm: Infinity,
};
/** Steps of one length whatever the gradients, for the floor is far above their squares; α is c · length², up to 1. */
const constant = (length: number, c: number): StormOptions => ({
  ...options,
  storm: { units: 'own', k: 1e10 * length, floor: 1e30, c },
});

const numbers = (tensor: tf.Tensor) => [...tensor.dataSync<'float32'>()];

/** A step along ∇½ Σ aᵢ (θᵢ − ξᵢ)², with that at the weights before where it is asked for. */
function stepTowards(
  optimizer: Optimizer,
  variables: readonly tf.Variable[],
  sample: readonly number[],
  learningRate = 1,
  curvature: readonly number[] = sample.map(() => 1),
): number {
  const at = (weights: tf.Tensor1D) =>
    tf.tidy(() => tf.mul<tf.Tensor1D>([...curvature], tf.sub(weights, [...sample])));
  const { previousWeights } = optimizer;
  const gradient = tf.tidy(() => at(flatten(variables)));
  const gradientAtPrevious = previousWeights && at(previousWeights);
  const norm = optimizer.step(gradient, learningRate, gradientAtPrevious);
  tf.dispose([gradient, gradientAtPrevious ?? []]);
  return norm;
}

describe('STORM', () => {
  it.each([
    ['some of the estimate', 0.4, [0.5, 0.72, 0.632]],
    ['nothing of it, as gradient descent', 2, [0.5, 1.2, 0.62]],
    ["all of it, the first sample's noise for ever", 0, [0.5, 0.4, 0.32]],
  ])('keeps %s', (_, c, expected) => {
    const weight = tf.variable(tf.tensor1d([0]));
    const optimizer = createStorm([weight], constant(1, c));
    const samples = [0.5, -0.3, 0.2];
    const estimates = [1, 0.9, 0.82].map((start, index) => {
      weight.assign(tf.tensor1d([start]));
      stepTowards(optimizer, [weight], [samples[index]!]);
      return start - numbers(weight)[0]!;
    });
    expect(estimates).toEqual(expected.map((value) => expect.closeTo(value, 6) as number));
  });

  it('takes shorter steps, of more momentum, the larger the gradients were', () => {
    const take = (learningRate: number) => {
      const weight = tf.variable(tf.tensor1d([0]));
      const optimizer = createStorm([weight], options);
      return [0.5, 1.2, 0.62].map((size) => {
        const before = numbers(weight)[0]!;
        // At the weights before the gradient is as the estimate, so that the new estimate is the new gradient.
        const estimate = optimizer.state().tensors['estimate'];
        expect(optimizer.step(tf.tensor1d([size]), learningRate, estimate)).toBeCloseTo(size, 6);
        const { alpha } = optimizer.state().numbers;
        return [(before - numbers(weight)[0]!) / size, alpha!];
      });
    };
    const near = (rows: number[][]) =>
      rows.map((row) => row.map((value) => expect.closeTo(value, 6) as number));
    const expected = [
      [0.141898, 1],
      [0.08236, 0.678315],
      [0.077189, 0.595809],
    ];
    expect(take(1)).toEqual(near(expected));
    // A schedule that is at a half halves the steps, and with them the root of α.
    expect(take(0.5)).toEqual(
      near([
        [0.070949, 0.503378],
        [0.04118, 0.169579],
        [0.038594, 0.148952],
      ]),
    );
  });

  it.each([
    [0.1, 50],
    [0.5, 12],
  ])(
    'at weights that stay, leaves α / (2 − α) of the variance of a gradient, α = %d',
    (alpha, steps) => {
      const count = 10_000;
      const weights = tf.variable(tf.zeros([count]));
      const optimizer = createStorm([weights], constant(1e-10, alpha * 1e20));
      for (let seed = 1; seed <= steps; seed += 1) {
        const noise = tf.randomNormal<tf.Rank.R1>([count], 0, 1, 'float32', seed);
        optimizer.step(noise, 1, noise);
        noise.dispose();
      }
      const estimate = optimizer.state().tensors['estimate']!;
      const variance = tf.mean(tf.square(estimate)).dataSync()[0]!;
      const expected = alpha / (2 - alpha);
      // A variance of so many normals has a standard deviation of √(2 / count) = 1.4 % of it, and five of them.
      expect(Math.abs(variance / expected - 1)).toBeLessThan(0.07);
    },
  );

  it('repeats its recursion in float64: several variables, a schedule, and a limit that steps alone obey', () => {
    const limit = 0.6;
    const curvature = [1, 3, 0.5];
    const samples = [1, -2, 0.5, 3, 1, -1].map((x) => [x, 1 - x, x * x]);
    const rates = [0.5, 1, 0.8, 0.6, 0.4, 0.2];
    const variables = [tf.variable(tf.tensor2d([[0.3], [-0.2]])), tf.variable(tf.scalar(0.1))];
    const optimizer = createStorm(variables, { ...options, maxGradientNorm: limit });

    const gradientAt = (weights: number[], sample: number[]) =>
      weights.map((weight, index) => curvature[index]! * (weight - sample[index]!));
    let weights = [0.3, -0.2, 0.1];
    let before = weights;
    let estimate = [0, 0, 0];
    let alpha = 1;
    let sum = 0;
    let momentum = 0;
    for (const [index, sample] of samples.entries()) {
      const gradient = gradientAt(weights, sample);
      const then = gradientAt(before, sample);
      estimate = gradient.map((now, i) => now + (1 - alpha) * (estimate[i]! - then[i]!));
      if (alpha < 1) momentum += 1;
      sum += Math.hypot(...gradient) ** 2;
      const eta = (0.1 / Math.cbrt(0.1 + sum)) * rates[index]!;
      alpha = Math.min(1, 100 * eta ** 2);
      before = weights;
      const scale = Math.min(1, limit / (Math.hypot(...estimate) + 1e-6));
      weights = weights.map((weight, i) => weight - eta * scale * estimate[i]!);

      const norm = stepTowards(optimizer, variables, sample, rates[index], curvature);
      // Gradients are below 30, of 7 digits, in sums of few; steps are a fiftieth of them.
      expect(norm / Math.hypot(...gradient)).toBeCloseTo(1, 6);
      const actual = variables.flatMap((variable) => numbers(variable));
      for (const [i, weight] of weights.entries()) expect(actual[i]).toBeCloseTo(weight, 6);
    }
    expect(momentum).toBeGreaterThan(3);
    const state = optimizer.state();
    for (const [i, value] of numbers(state.tensors['estimate']!).entries()) {
      expect(value).toBeCloseTo(estimate[i]!, 5);
    }
    expect(Math.hypot(...estimate)).toBeGreaterThan(limit);
  });

  describe('in units of the first gradient', () => {
    const relative: StormOptions = {
      ...options,
      storm: { ...options.storm, units: 'first-gradient' },
      learningRate: 0.01,
    };
    const walk = (optimizer: Optimizer, weight: tf.Variable, rates: readonly number[], scale = 1) =>
      rates.map((rate, step) => {
        const sample = [0.3, -step, step * step].map((value) => 8 * value);
        stepTowards(optimizer, [weight], sample, rate, [scale, scale, scale]);
        return numbers(weight);
      });

    it('lowers the loss by its first step as much as one of the learning rate in every weight', () => {
      for (const k of [0.1, 3]) {
        const weight = tf.variable(tf.zeros([2, 2]));
        const optimizer = createStorm([weight], { ...relative, storm: { ...relative.storm, k } });
        optimizer.step(tf.tensor1d([3e-4, 0, 0, -4e-4]), 0.01);
        // 0.01 · 7e-4 / 5e-4 in all, along (3, −4) / 5: Σ g Δ is 0.01 · 7e-4.
        const expected = [-0.0084, 0, 0, 0.0112];
        for (const [i, moved] of numbers(weight).entries())
          expect(moved).toBeCloseTo(expected[i]!, 8);
      }
    });

    it('is the published algorithm for a loss and weights of another scale', () => {
      const rates = [0.01, 0.01, 0.005, 0.005];
      const start = [1, 2, -1];
      const weight = tf.variable(tf.tensor1d(start));
      const path = walk(createStorm([weight], relative), weight, rates);
      // Of the gradient (1 − 2.4, 2, −1).
      const first = Math.hypot(1.4, 2, 1);
      const unit = (((0.01 * 4.4) / first) * Math.cbrt(1.1)) / 0.1;
      // κ f of φ = θ / u, with 1 / (κ u) the norm of the first gradient of f: its gradient in φ is κ u² (φ − ξ / u).
      const inUnits = tf.variable(tf.tensor1d(start.map((value) => value / unit)));
      const own = createStorm([inUnits], { ...options, learningRate: 0.01 });
      const asked: boolean[] = [];
      for (const [step, rate] of rates.entries()) {
        const sample = [0.3, -step, step * step].map((value) => (8 * value) / unit);
        const curvature = sample.map(() => unit / first);
        asked.push(own.previousWeights !== undefined);
        stepTowards(own, [inUnits], sample, rate, curvature);
        for (const [i, value] of numbers(inUnits).entries()) {
          expect(value * unit).toBeCloseTo(path[step]![i]!, 5);
        }
      }
      expect(asked).toEqual([false, true, true, true]);
    });

    it('takes the same steps whatever the scale of the loss', () => {
      const paths = [1, 2 ** -10, 2 ** 10].map((scale) => {
        const weight = tf.variable(tf.tensor1d([1, 2, -1]));
        return walk(createStorm([weight], relative), weight, [0.01, 0.01, 0.005], scale);
      });
      expect(paths[1]).toEqual(paths[0]);
      expect(paths[2]).toEqual(paths[0]);
      expect(paths[0]![2]).not.toEqual(paths[0]![1]);
    });

    it('waits for a gradient that is not 0', () => {
      const weight = tf.variable(tf.zeros([2]));
      const optimizer = createStorm([weight], relative);
      const tensors = tf.memory().numTensors;
      const nothing = tf.zeros<tf.Rank.R1>([2]);
      expect(optimizer.step(nothing, 0.01)).toBe(0);
      nothing.dispose();
      expect([optimizer.state().steps, numbers(weight)]).toEqual([0, [0, 0]]);
      expect(tf.memory().numTensors).toBe(tensors);
      optimizer.step(tf.tensor1d([0, 1e-3]), 0.01);
      expect(numbers(weight)[1]).toBeCloseTo(-0.01, 8);
    });
  });

  it('asks for a second gradient only where there is momentum, at the weights before the last step', () => {
    const weight = tf.variable(tf.tensor1d([1, 2]));
    const optimizer = createStorm([weight], options);
    expect(optimizer.previousWeights).toBeUndefined();
    // Of a small gradient η is long, and α 1.
    optimizer.step(tf.tensor1d([0.1, 0]), 1);
    expect(optimizer.previousWeights).toBeUndefined();
    const before = numbers(weight);
    optimizer.step(tf.tensor1d([3, 4]), 1);
    expect(numbers(optimizer.previousWeights!)).toEqual(before);
    const after = numbers(weight);
    expect(after).not.toEqual(before);
    expect(() => optimizer.step(tf.tensor1d([1, 1]), 1)).toThrow(
      'needs the gradient of the same minibatch at its previous weights',
    );
    expect(numbers(weight)).toEqual(after);
  });

  it('takes no step where a gradient is not finite, and nothing changes', () => {
    const weight = tf.variable(tf.tensor1d([1, -2]));
    const optimizer = createStorm([weight], options);
    optimizer.step(tf.tensor1d([3, 4]), 1);
    const text = () => {
      const { steps, numbers: values, tensors } = optimizer.state();
      const arrays = Object.entries(tensors).map(([name, tensor]) => [name, numbers(tensor)]);
      tf.dispose(Object.values(tensors));
      return JSON.stringify([steps, values, arrays, numbers(weight)]);
    };
    const before = text();
    expect(before).toContain('previous_weights');
    const good = tf.tensor1d([1, 1]);
    const tensors = tf.memory().numTensors;
    for (const bad of [Number.NaN, Infinity]) {
      const gradient = tf.tensor1d([1, bad]);
      expect(optimizer.step(gradient, 1, good)).toBe(bad);
      expect(optimizer.step(good, 1, gradient)).toBe(bad);
      gradient.dispose();
    }
    expect(tf.memory().numTensors).toBe(tensors);
    expect(text()).toBe(before);
  });

  it.each(['own', 'first-gradient'] as const)(
    'goes on from a state as if it had never stopped, units %s',
    (units) => {
      const [straight, other] = [tf.variable(tf.ones([3])), tf.variable(tf.ones([3]))];
      const given = { ...options, storm: { ...options.storm, units } };
      const whole = createStorm([straight], given);
      let part = createStorm([other], given);
      const asked: boolean[] = [];
      for (const size of [0, 0.1, 1, 4, 0.5, 2]) {
        const state = part.state();
        part.dispose();
        part = createStorm([other], given);
        part.restore({
          ...state,
          numbers: JSON.parse(JSON.stringify(state.numbers)) as OptimizerState['numbers'],
        });
        tf.dispose(Object.values(state.tensors));
        asked.push(part.previousWeights !== undefined);
        const sample = [1 - size, 1 + size, 1];
        stepTowards(whole, [straight], sample);
        stepTowards(part, [other], sample);
        expect(numbers(other)).toEqual(numbers(straight));
      }
      // From states without an estimate and with one.
      expect(new Set(asked)).toEqual(new Set([false, true]));
      expect(part.state().numbers).toEqual(whole.state().numbers);
      // The first gradient is 0, of which no unit can be made.
      expect(part.state().steps).toBe(units === 'own' ? 6 : 5);
    },
  );

  it("takes no state of other variables, nor another optimizer's", () => {
    const optimizer = createStorm([tf.variable(tf.ones([2]))], options);
    optimizer.step(tf.tensor1d([3, 4]), 1);
    const state = optimizer.state();
    const wrong = (changes: Partial<OptimizerState>) => () => {
      optimizer.restore({ ...state, steps: 9, ...changes });
    };
    expect(wrong({ numbers: {} })).toThrow(
      new RangeError(
        "The optimizer's state is not STORM's; optimizer.name must be that of the run that left it.",
      ),
    );
    expect(wrong({ tensors: { ...state.tensors, estimate: tf.zeros([3]) } })).toThrow(
      'state is of 3 numbers, but the variables have 2',
    );
    expect(wrong({ tensors: { estimate: tf.zeros([2]) } })).toThrow("no 'previous_weights'");
    expect(wrong({ tensors: { ...state.tensors, first_moment: tf.zeros([2]) } })).toThrow(
      "'first_moment', which is another's",
    );
    expect(optimizer.state().steps).toBe(1);
    expect(numbers(optimizer.previousWeights!)).toEqual([1, 1]);
  });

  it('keeps two vectors with momentum and none without, and frees them', () => {
    const weight = tf.variable(tf.zeros([3, 2]));
    const optimizer = createStorm([weight], options);
    const tensors = tf.memory().numTensors;
    stepTowards(optimizer, [weight], [0.1, 0, 0, 0, 0, 0]);
    expect(tf.memory().numTensors).toBe(tensors);
    for (let step = 0; step < 3; step += 1) {
      stepTowards(optimizer, [weight], [3, 0, 0, 4, 0, 0]);
      expect(tf.memory().numTensors).toBe(tensors + 2);
    }
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });
});
