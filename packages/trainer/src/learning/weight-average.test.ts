import * as tf from '@tensorflow/tfjs-core';

import { averageDecay, createWeightAverage } from './weight-average';

const numbers = (tensors: readonly tf.Tensor[]) =>
  tensors.map((tensor) => [...tensor.dataSync<'float32'>()]);

describe('an average of weights', () => {
  let variables: tf.Variable[];
  let average: ReturnType<typeof createWeightAverage>;
  beforeEach(() => {
    variables = [tf.variable(tf.tensor2d([[1, 2]])), tf.variable(tf.scalar(-4))];
    average = createWeightAverage(variables);
    variables[0]!.assign(tf.tensor2d([[3, -2]]));
    variables[1]!.assign(tf.scalar(4));
  });
  afterEach(() => {
    average.dispose();
    tf.dispose(variables);
  });

  it('begins as a copy, in the shapes of the variables', () => {
    expect(average.weights.map(({ shape }) => shape)).toEqual([[1, 2], []]);
    expect(numbers(average.weights)).toEqual([[1, 2], [-4]]);
  });

  it('goes from what it was to what the variables are by 1 − d each time', () => {
    average.update(0.75);
    expect(average.weights.map(({ shape }) => shape)).toEqual([[1, 2], []]);
    expect(numbers(average.weights)).toEqual([[1.5, 1], [-2]]);
    average.update(0.5);
    expect(numbers(average.weights)).toEqual([[2.25, -0.5], [1]]);
    expect(numbers(variables)).toEqual([[3, -2], [4]]);
  });

  it('stays with a decay of 1, and is the variables with 0', () => {
    average.update(1);
    expect(numbers(average.weights)).toEqual([[1, 2], [-4]]);
    average.update(0);
    expect(numbers(average.weights)).toEqual([[3, -2], [4]]);
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses a decay of %d and stays as it was', (decay) => {
    expect(() => {
      average.update(decay);
    }).toThrow(`must be a number from 0 to 1, got ${decay}`);
    expect(numbers(average.weights)).toEqual([[1, 2], [-4]]);
  });

  it('goes on from a state, of the same number of weights only', () => {
    average.update(0.75);
    const state = average.state();
    average.update(0);
    average.restore(state);
    expect(average.weights.map(({ shape }) => shape)).toEqual([[1, 2], []]);
    expect(numbers(average.weights)).toEqual([[1.5, 1], [-2]]);
    // Which stays the caller's.
    expect(numbers(state)).toEqual([[1.5, 1], [-2]]);
    expect(() => {
      average.restore([tf.zeros([4])]);
    }).toThrow('state is of other weights');
  });

  it('frees what it replaces, and all of it in the end', () => {
    const one = createWeightAverage(variables);
    const tensors = tf.memory().numTensors;
    const state = one.state();
    one.update(0.5);
    one.update(0.9);
    one.restore(state);
    tf.dispose(state);
    expect(tf.memory().numTensors).toBe(tensors);
    one.dispose();
    expect(tf.memory().numTensors).toBe(tensors - 2);
    expect(numbers(variables)).toEqual([[3, -2], [4]]);
  });
});

test('a young average decays faster', () => {
  const decays = [0, 1, 8, 90, 890].map((updates) => averageDecay(0.95, updates));
  expect(decays).toEqual([0.1, 2 / 11, 0.5, 0.91, 0.95]);
  expect(averageDecay(0, 5)).toBe(0);
});
