import * as tf from '@tensorflow/tfjs-core';

import { FIXTURES, largestDifference, readTensors } from '../testing/fixtures';
import { createAdamW } from './adamw';
import { flatten } from './flat-weights';

const tensorsOf = (name: string) => readTensors(FIXTURES, 'ddpo-loss', `${name}.safetensors`);

const options = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 1e-4 } as const;

describe('AdamW', () => {
  it("repeats torch.optim.AdamW's steps after clip_grad_norm_", () => {
    const start = tensorsOf('lora_old');
    const keys = [...start.keys()].sort();
    const variables = keys.map((key) => tf.variable(start.get(key) as tf.Tensor));
    const optimizer = createAdamW(variables, { ...options, maxGradientNorm: 0.05 });
    // The norms that clip_grad_norm_ reported, in float32.
    const norms = [0.11150022596120834, 0.1122317835688591];

    for (const [step, name] of ['perturbed', 'offpolicy'].entries()) {
      const gradients = tensorsOf(`grads.${name}`);
      const gradient = flatten(keys.map((key) => gradients.get(key) as tf.Tensor));
      const norm = optimizer.step(gradient, 3e-4);
      expect(Math.abs(norm - norms[step]!) / norms[step]!).toBeLessThan(1e-6);
      const expected = tensorsOf(`adamw.after_${name}`);
      for (const [index, key] of keys.entries()) {
        // Weights up to 1 are rounded at 6e-8; a step is 3e-4 and agrees to float32's 1e-6 of it.
        expect(largestDifference(variables[index]!, expected.get(key)!)).toBeLessThan(1.3e-7);
      }
    }
  });

  it('does the first step by hand', () => {
    const weight = tf.variable(tf.tensor1d([1, -2]));
    const optimizer = createAdamW([weight], { ...options, weightDecay: 0.1, maxGradientNorm: 10 });
    const gradient = tf.tensor1d([3, -4]);
    expect(optimizer.step(gradient, 0.5)).toBeCloseTo(5, 6);
    // m̂ = g and √v̂ = |g|, so θ ← θ (1 − 0.5 · 0.1) − 0.5 sign(g)
    expect([...weight.dataSync()]).toEqual([
      expect.closeTo(0.95 - 0.5, 6),
      expect.closeTo(-1.9 + 0.5, 6),
    ]);
  });

  it('keeps no tensors from step to step', () => {
    const weight = tf.variable(tf.zeros([3, 2]));
    const optimizer = createAdamW([weight], { ...options, maxGradientNorm: 1 });
    const gradient = tf.ones<tf.Rank.R1>([6]);
    optimizer.step(gradient, 0.1);
    const before = tf.memory().numTensors;
    optimizer.step(gradient, 0.1);
    expect(tf.memory().numTensors).toBe(before);
    optimizer.dispose();
    expect(tf.memory().numTensors).toBe(before - 2);
  });

  it('takes no step along a gradient that is not finite', () => {
    const weight = tf.variable(tf.tensor1d([1, -2]));
    const optimizer = createAdamW([weight], { ...options, maxGradientNorm: 10 });
    const tensors = tf.memory().numTensors;
    for (const bad of [Number.NaN, Infinity]) {
      const gradient = tf.tensor1d([1, bad]);
      expect(optimizer.step(gradient, 0.5)).toBe(bad);
      gradient.dispose();
    }
    expect([...weight.dataSync()]).toEqual([1, -2]);
    const state = optimizer.state();
    const { first_moment: first, second_moment: second } = state.tensors;
    expect([state.steps, ...first!.dataSync(), ...second!.dataSync()]).toEqual([0, 0, 0, 0, 0]);
    tf.dispose([first!, second!]);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('goes on from a state as if it had never stopped', () => {
    const gradients = [1, 2, 3].map((seed) =>
      tf.randomNormal<tf.Rank.R1>([4], 0, 1, 'float32', seed),
    );
    const straight = tf.variable(tf.ones([4]));
    const whole = createAdamW([straight], { ...options, maxGradientNorm: 1 });
    const other = tf.variable(tf.ones([4]));
    let part = createAdamW([other], { ...options, maxGradientNorm: 1 });
    for (const gradient of gradients) {
      whole.step(gradient, 0.1);
      part.step(gradient, 0.1);
      const state = part.state();
      part.dispose();
      part = createAdamW([other], { ...options, maxGradientNorm: 1 });
      part.restore(state);
      tf.dispose(Object.values(state.tensors));
    }
    expect([...other.dataSync()]).toEqual([...straight.dataSync()]);
  });

  it("takes no state of other variables, nor another optimizer's", () => {
    const weight = tf.variable(tf.ones([4]));
    const optimizer = createAdamW([weight], { ...options, maxGradientNorm: 1 });
    optimizer.step(tf.ones([4]), 0.1);
    const state = optimizer.state();
    const wrong = (tensors: Record<string, tf.Tensor1D>) => () => {
      optimizer.restore({ steps: 9, numbers: {}, tensors });
    };
    const alien = tf.zeros<tf.Rank.R1>([3]);
    expect(wrong({ ...state.tensors, second_moment: alien })).toThrow(
      new RangeError("The optimizer's state is of 3 numbers, but the variables have 4."),
    );
    expect(wrong({ ...state.tensors, estimate: alien })).toThrow(
      "state has 'estimate', which is another's; optimizer.name must be",
    );
    expect(wrong({})).toThrow("state has no 'first_moment'; optimizer.name must be");
    // And goes on from its own.
    const after = optimizer.state();
    expect(after.steps).toBe(1);
    expect([...after.tensors['first_moment']!.dataSync()]).toEqual([
      ...state.tensors['first_moment']!.dataSync(),
    ]);
  });
});
