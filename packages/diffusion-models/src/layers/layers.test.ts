import * as tf from '@tensorflow/tfjs-core';
import { expectEqual, normal } from '../testing/equal-functions';
import { relativeDifference } from '../testing/tensors';
import type { LoraAdapter } from '../types';
import { gelu, quickGelu, scaledGeglu, silu } from './activations';
import { convolution, halvingConvolution, pointwiseConvolution } from './convolution';
import { groupNorm } from './group-norm';
import { layerNorm } from './layer-norm';
import { effectiveWeight } from './effective-weight';
import { linear } from './linear';
import { resizeNearest } from './upsampling';

describe('activations', () => {
  test('silu is x σ(x)', () => {
    expectEqual(silu, (t) => tf.mul(t, tf.sigmoid(t)), [normal(3, 40)]);
  });

  test('quickGelu is x σ(1.702 x)', () => {
    expectEqual(quickGelu, (t) => tf.mul(t, tf.sigmoid(tf.mul(1.702, t))), [normal(3, 40)]);
  });

  const exactGelu = (t: tf.Tensor) =>
    tf.mul(tf.mul(0.5, t), tf.add(1, tf.erf(tf.div(t, Math.SQRT2))));

  test('gelu is the exact one', () => {
    expectEqual(gelu, (t) => exactGelu(t), [normal(3, 40)]);
    // torch.nn.functional.gelu(torch.tensor([-1., 1.]))
    expect(gelu(tf.tensor1d([-1, 1])).arraySync()).toEqual([
      expect.closeTo(-0.15865525, 7),
      expect.closeTo(0.84134475, 7),
    ]);
  });

  test('scaledGeglu multiplies the value by gelu of the gate', () => {
    expectEqual(
      (value, gate) => scaledGeglu(tf.div(value, Math.SQRT2), tf.div(gate, Math.SQRT2)),
      (value, gate) => tf.mul(value, exactGelu(gate)),
      [normal(3, 40), normal(3, 40)],
    );
  });
});

describe('norms', () => {
  test('layerNorm normalises the last axis', () => {
    const epsilon = 1e-5;
    expectEqual(
      (x, weight, bias) =>
        layerNorm({ weights: { 'n.weight': weight, 'n.bias': bias } }, 'n', x, epsilon),
      (x, weight, bias) => {
        const { mean, variance } = tf.moments(x, -1, true);
        const normalised = tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)));
        return tf.add(tf.mul(normalised, weight), bias);
      },
      [normal(2, 5, 16), normal(16), normal(16)],
    );
  });

  test('layerNorm keeps its precision where the mean is 1000 standard deviations', () => {
    const x = normal(6, 32);
    const parameters = { weights: { 'n.weight': tf.ones([32]), 'n.bias': tf.zeros([32]) } };
    const near = layerNorm(parameters, 'n', x, 1e-6);
    const far = layerNorm(parameters, 'n', tf.add(x, 1000), 1e-6);
    // The input itself is rounded to 1000 · 2⁻²⁴ = 6e-5, the mean once more.
    expect(relativeDifference(far, near)).toBeLessThan(2e-4);
  });

  test('layerNorm gives each gradient the same bits, whichever are wanted', () => {
    const values = [normal(2, 5, 16), normal(16), normal(16)];
    const dy = normal(2, 5, 16);
    const of = (wanted: readonly number[]) =>
      tf.grads((...given) => {
        const all = [...values];
        wanted.forEach((index, at) => (all[index] = given[at]!));
        const [x, weight, bias] = all as [tf.Tensor, tf.Tensor, tf.Tensor];
        return layerNorm({ weights: { 'n.weight': weight, 'n.bias': bias } }, 'n', x, 1e-5);
      })(
        wanted.map((index) => values[index]!),
        dy,
      );
    of([0, 1, 2]).forEach((gradient, index) => {
      expect(of([index])[0]!.dataSync()).toEqual(gradient.dataSync());
    });
  });

  test('layerNorm computes no gradient of a frozen weight', async () => {
    const weights = { 'n.weight': normal(16), 'n.bias': normal(16) };
    const { kernels } = await tf.profile(() =>
      tf.grad((x) => layerNorm({ weights }, 'n', x, 1e-5))(normal(5, 16)),
    );
    const ofLayers = kernels.filter(({ name }) => name === 'LoopLayerNormGradient');
    for (const { outputShapes } of ofLayers) expect(outputShapes).toEqual([[5, 16], [0], [0]]);
    // Composed, the gradients of weights are the sums that leave the channels.
    const sums = kernels.filter(({ name, outputShapes }) => {
      return name === tf.Sum && outputShapes[0]?.join() === '16';
    });
    expect(sums).toEqual([]);
  });

  const plainGroupNorm = (groups: number, epsilon: number, activate: boolean) =>
    ((x, weight, bias) => {
      const [batch, height, width, channels] = x.shape as [number, number, number, number];
      const grouped = tf.reshape(x, [batch, height * width, groups, channels / groups]);
      const { mean, variance } = tf.moments(grouped, [1, 3], true);
      const normalised = tf.div(tf.sub(grouped, mean), tf.sqrt(tf.add(variance, epsilon)));
      const y = tf.add(tf.mul(tf.reshape(normalised, x.shape), weight), bias);
      return activate ? tf.mul(y, tf.sigmoid(y)) : y;
    }) as (...inputs: tf.Tensor[]) => tf.Tensor;

  test.each([
    { groups: 4, activate: false },
    { groups: 4, activate: true },
    { groups: 12, activate: true },
    { groups: 1, activate: true },
  ])('groupNorm with $groups groups, silu $activate', ({ groups, activate }) => {
    const epsilon = 1e-6;
    expectEqual(
      (x, weight, bias) =>
        groupNorm({ weights: { 'n.weight': weight, 'n.bias': bias } }, 'n', x as tf.Tensor4D, {
          groups,
          epsilon,
          silu: activate,
        }),
      plainGroupNorm(groups, epsilon, activate),
      [normal(3, 4, 5, 12), normal(12), normal(12)],
    );
  });

  test.each([3, 1])('groupNorm adds an offset for %i rows first', (rows) => {
    const options = { groups: 4, epsilon: 1e-6, silu: true };
    expectEqual(
      (x, weight, bias, offset) =>
        groupNorm({ weights: { 'n.weight': weight, 'n.bias': bias } }, 'n', x as tf.Tensor4D, {
          ...options,
          offset: offset as tf.Tensor2D,
        }),
      (x, weight, bias, offset) =>
        plainGroupNorm(4, 1e-6, true)(
          tf.add(x, tf.reshape(offset, [rows, 1, 1, 12])),
          weight,
          bias,
        ),
      [normal(3, 4, 5, 12), normal(12), normal(12), normal(rows, 12)],
    );
  });

  test('groupNorm keeps its precision where the mean is 1000 standard deviations', () => {
    const x = normal(2, 4, 4, 8) as tf.Tensor4D;
    const weights = { 'n.weight': tf.ones([8]), 'n.bias': tf.zeros([8]) };
    const options = { groups: 2, epsilon: 1e-6 };
    const near = groupNorm({ weights }, 'n', x, options);
    const far = groupNorm({ weights }, 'n', tf.add(x, 1000), options);
    // The input itself is rounded to 1000 · 2⁻²⁴ = 6e-5, the shift once more.
    expect(relativeDifference(far, near)).toBeLessThan(2e-4);
  });

  test('groupNorm refuses channels that do not divide', () => {
    const weights = { 'n.weight': tf.ones([8]), 'n.bias': tf.zeros([8]) };
    expect(() =>
      groupNorm({ weights }, 'n', normal(1, 2, 2, 8) as tf.Tensor4D, { groups: 3, epsilon: 1e-5 }),
    ).toThrow('n: 8 channels do not divide into 3 groups');
  });
});

describe('linear', () => {
  test('is x Wᵀ + b on any rank', () => {
    expectEqual(
      (x, weight, bias) => linear({ weights: { 'l.weight': weight, 'l.bias': bias } }, 'l', x),
      (x, weight, bias) =>
        tf.add(tf.reshape(tf.matMul(tf.reshape(x, [10, 6]), weight, false, true), [2, 5, 7]), bias),
      [normal(2, 5, 6), normal(7, 6), normal(7)],
    );
  });

  test('adds an adapter of the weight: y = W x + (alpha / rank) up down x', () => {
    const scale = 8 / 2;
    expectEqual(
      (x, weight, down, up) =>
        linear(
          {
            weights: { 'l.weight': weight },
            lora: {
              config: { rank: 2, alpha: 8, targets: ['l'] },
              weights: { 'l.lora.down.weight': down, 'l.lora.up.weight': up },
            },
          },
          'l',
          x,
        ),
      (x, weight, down, up) =>
        tf.add(
          tf.matMul(x, weight, false, true),
          tf.mul(scale, tf.matMul(tf.matMul(x, down, false, true), up, false, true)),
        ),
      [normal(5, 6), normal(7, 6), normal(2, 6), normal(7, 2)],
    );
  });

  test('leaves a module alone that the adapter does not name', () => {
    const weight = normal(7, 6);
    const lora: LoraAdapter = { config: { rank: 2, alpha: 2, targets: [] }, weights: {} };
    expect(effectiveWeight({ weights: { 'l.weight': weight }, lora }, 'l')).toBe(weight);
  });

  test('computes no gradient of a frozen weight', async () => {
    const weights = { 'l.weight': normal(7, 6), 'l.bias': normal(7) };
    const { kernels } = await tf.profile(() =>
      tf.grad((x) => tf.sum(linear({ weights }, 'l', x)))(normal(5, 6)),
    );
    // One product forward, and one for the gradient of x.
    const products = [tf.BatchMatMul, 'LoopLinear', 'LoopLinearWeightGradient'];
    expect(kernels.filter(({ name }) => products.includes(name))).toHaveLength(2);
  });

  test('names the weight that is missing', () => {
    expect(() => linear({ weights: {} }, 'mid.to_q', normal(5, 6))).toThrow(
      'the weight "mid.to_q.weight" is missing from the model',
    );
  });
});

describe('convolutions', () => {
  const biased = (weight: tf.Tensor, bias: tf.Tensor) => ({
    weights: { 'c.weight': weight, 'c.bias': bias },
  });

  test('convolution keeps the size', () => {
    expectEqual(
      (x, weight, bias) => convolution(biased(weight, bias), 'c', x as tf.Tensor4D),
      (x, weight, bias) =>
        tf.add(tf.conv2d(x as tf.Tensor4D, weight as tf.Tensor4D, 1, 'same'), bias),
      [normal(2, 5, 4, 3), normal(3, 3, 3, 6), normal(6)],
    );
  });

  test.each([
    ['around', 6, 8],
    ['around', 5, 7],
    ['around', 5, 8],
    ['after', 6, 8],
    ['after', 5, 7],
    ['after', 6, 7],
  ] as const)('halvingConvolution pads %s %i×%i pixels', (padding, height, width) => {
    const margin: [number, number] = padding === 'around' ? [1, 1] : [0, 1];
    expectEqual(
      (x, weight, bias) => halvingConvolution(biased(weight, bias), 'c', x as tf.Tensor4D, padding),
      (x, weight, bias) => {
        const padded = tf.pad(x as tf.Tensor4D, [[0, 0], margin, margin, [0, 0]]);
        return tf.add(tf.conv2d(padded, weight as tf.Tensor4D, 2, 'valid'), bias);
      },
      [normal(2, height, width, 3), normal(3, 3, 3, 6), normal(6)],
    );
  });

  test('pointwiseConvolution is a product per pixel', () => {
    expectEqual(
      (x, weight, bias) => pointwiseConvolution(biased(weight, bias), 'c', x),
      (x, weight, bias) =>
        tf.add(tf.conv2d(x as tf.Tensor4D, weight as tf.Tensor4D, 1, 'same'), bias),
      [normal(2, 5, 4, 3), normal(1, 1, 3, 6), normal(6)],
    );
  });

  const layers = { convolution, pointwiseConvolution };
  test.each([
    ['convolution', 3],
    ['pointwiseConvolution', 1],
  ] as const)('%s takes an adapter: a convolution to the rank, and one of 1×1', (layer, size) => {
    const scale = 8 / 2;
    expectEqual(
      (x, weight, bias, down, up) => {
        const lora: LoraAdapter = {
          config: { rank: 2, alpha: 8, targets: ['c'] },
          weights: { 'c.lora.down.weight': down, 'c.lora.up.weight': up },
        };
        return layers[layer]({ ...biased(weight, bias), lora }, 'c', x as tf.Tensor4D);
      },
      (x, weight, bias, down, up) => {
        const same = (input: tf.Tensor, kernel: tf.Tensor): tf.Tensor4D =>
          tf.conv2d(input as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same');
        return tf.add(tf.add(same(x, weight), bias), tf.mul(scale, same(same(x, down), up)));
      },
      [
        normal(2, 5, 4, 3),
        normal(size, size, 3, 6),
        normal(6),
        normal(size, size, 3, 2),
        normal(1, 1, 2, 6),
      ],
    );
  });
});

describe('resizeNearest', () => {
  test.each([
    [4, 8],
    [4, 7],
    [3, 5],
    [33, 65],
  ])('from %i to %i takes pixel ⌊i · in / out⌋', (from, to) => {
    const x = tf.tensor4d(
      Array.from({ length: from }, (_, i) => i),
      [1, from, 1, 1],
    );
    const expected = Array.from({ length: to }, (_, i) => Math.floor((i * from) / to));
    expect([...resizeNearest(x, [to, 1]).dataSync()]).toEqual(expected);
  });

  test('gives a pixel the gradients of all its copies', () => {
    const gradient = tf.grad((x) => tf.sum(resizeNearest(x as tf.Tensor4D, [5, 3])))(
      normal(1, 3, 2, 2),
    );
    expect(gradient.arraySync()).toEqual([
      [
        [
          [4, 4],
          [2, 2],
        ],
        [
          [4, 4],
          [2, 2],
        ],
        [
          [2, 2],
          [1, 1],
        ],
      ],
    ]);
  });
});
