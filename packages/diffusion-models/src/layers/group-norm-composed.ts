/** Group normalisation of TensorFlow.js' own operations, for backends without a kernel for it. */
import * as tf from '@tensorflow/tfjs-core';
import { siluGradient } from './activations';
import { differentiable } from './differentiable';

/** What is normalised, and with what. */
export interface GroupNormInputs {
  readonly x: tf.Tensor4D;
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor;
  readonly offset: tf.Tensor2D | undefined;
}

/**
 * A pass over the image is what costs, so there are few: two sums over the pixels around a squared
 * difference, then one product and one sum with factors per image and channel. All else happens on
 * `[batch, channels]`.
 */
export function composedGroupNorm(
  inputs: GroupNormInputs,
  { groups, epsilon, silu }: { groups: number; epsilon: number; silu: boolean },
): tf.Tensor4D {
  const { x, weight, bias, offset } = inputs;
  const [, height, width, channels] = x.shape;
  const pixels = height * width;
  const membership = groupMembership(channels, groups);
  // Sums over the pixels per channel → means over each channel's whole group.
  const average = (sums: tf.Tensor): tf.Tensor2D => {
    const means = tf.matMul(
      tf.mul<tf.Tensor2D>(sums, 1 / (pixels * (channels / groups))),
      membership,
    );
    return tf.matMul(means, membership, false, true);
  };

  return differentiable({ ...inputs }, () => {
    const total = sumOverPixels(x);
    const shifted = offset === undefined ? total : tf.add(total, tf.mul(offset, pixels));
    const mean = average(shifted);
    // Where x, without its offset, has the group's mean.
    const centre = offset === undefined ? mean : tf.sub(mean, offset);
    // Around the mean, because E[x²] − E[x]² would cancel where the mean is large.
    const squares = sumOverPixels(tf.squaredDifference(x, onPixels(centre)));
    const reciprocal = tf.rsqrt(tf.add(average(squares), epsilon));
    const scale = tf.mul(reciprocal, weight);
    const shift = tf.sub(bias, tf.mul(centre, scale));
    const normed = tf.add(tf.mul(x, onPixels(scale)), onPixels(shift));
    const gate = silu ? tf.sigmoid(normed) : undefined;
    const value = gate === undefined ? normed : tf.mul(normed, gate);
    return {
      value,
      saved: [x, weight, total, centre, reciprocal, ...(gate === undefined ? [] : [value, gate])],
      gradients: (outputGradient, saved) => {
        const [input, w, sum, c, r, ...activation] = saved as Saved;
        const dy =
          activation.length === 0 ? outputGradient : siluGradient(outputGradient, activation);
        // Sums over the pixels of dy and of dy (x − c): all that the gradients need.
        const gradientSum = sumOverPixels(dy);
        const productSum = tf.sub(sumOverPixels(tf.mul(dy, input)), tf.mul(c, gradientSum));
        // With x̂ = (x − c) r and g = dy w:
        // ∂x = r (g − mean(g) − x̂ mean(g x̂)) = dy (r w) + x slope + level
        const factors = () => {
          const meanGradient = average(tf.mul(gradientSum, w));
          const meanProduct = average(tf.mul(productSum, w));
          const slope = tf.neg(tf.mul(meanProduct, tf.mul(tf.square(r), r)));
          const level = tf.neg(tf.add(tf.mul(meanGradient, r), tf.mul(slope, c)));
          return { scale: tf.mul(r, w), slope, level };
        };
        return {
          x: () => {
            const { scale, slope, level } = factors();
            const linear = tf.add(tf.mul(input, onPixels(slope)), onPixels(level));
            return tf.add(tf.mul(dy, onPixels(scale)), linear);
          },
          weight: () => tf.sum(tf.mul(productSum, r), 0),
          bias: () => tf.sum(gradientSum, 0),
          // The sum of ∂x over the pixels, from the sums of its three terms.
          offset: () => {
            const { scale, slope, level } = factors();
            const linear = tf.add(tf.mul(sum, slope), tf.mul(level, pixels));
            const perImage = tf.add(tf.mul(gradientSum, scale), linear);
            return offset?.shape[0] === 1 ? tf.sum(perImage, 0, true) : perImage;
          },
        };
      },
    };
  }) as tf.Tensor4D;
}

type Saved = [tf.Tensor4D, tf.Tensor, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, ...tf.Tensor[]];

/** `[batch, height, width, channels]` → `[batch, channels]` */
function sumOverPixels(x: tf.Tensor): tf.Tensor2D {
  return tf.sum(x, [1, 2]);
}

/** `[batch, channels]` → `[batch, 1, 1, channels]` */
function onPixels(t: tf.Tensor): tf.Tensor4D {
  const [batch, channels] = t.shape as [number, number];
  return tf.reshape(t, [batch, 1, 1, channels]);
}

const memberships = new Map<string, tf.Tensor2D>();

/**
 * `[channels, groups]`: 1 where the channel belongs to the group. Adding up over groups and spreading the sums again are two
 * small products with it, where reshaping, reducing and repeating is five operations. Made once per size and kept.
 */
function groupMembership(channels: number, groups: number): tf.Tensor2D {
  const key = `${channels}/${groups}`;
  const known = memberships.get(key);
  if (known !== undefined && !known.isDisposed) return known;
  const width = channels / groups;
  const values = new Float32Array(channels * groups);
  for (let channel = 0; channel < channels; channel++) {
    values[channel * groups + Math.floor(channel / width)] = 1;
  }
  const matrix = tf.keep(tf.tensor2d(values, [channels, groups]));
  memberships.set(key, matrix);
  return matrix;
}
