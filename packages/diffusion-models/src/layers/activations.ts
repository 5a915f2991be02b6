import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable';

/** x σ(x) (Elfwing et al. 2018; "swish"). */
export function silu<T extends tf.Tensor>(x: T): T {
  return differentiable({ x }, () => {
    const gate = tf.sigmoid(x);
    const value = tf.mul(x, gate);
    return {
      value,
      saved: [value, gate],
      gradients: (outputGradient, saved) => ({ x: () => siluGradient(outputGradient, saved) }),
    };
  }) as T;
}

/** With y = x s, s = σ(x): dy/dx = s + y (1 − s). */
export function siluGradient(
  outputGradient: tf.Tensor,
  [value, gate]: readonly tf.Tensor[],
): tf.Tensor {
  const y = value as tf.Tensor;
  const s = gate as tf.Tensor;
  return tf.mul(outputGradient, tf.add(s, tf.mul(y, tf.sub(1, s))));
}

/** x σ(1.702 x), the approximation of GELU that OpenAI's CLIP was trained with. */
export function quickGelu<T extends tf.Tensor>(x: T): T {
  const slope = 1.702;
  return differentiable({ x }, () => {
    const gate = tf.sigmoid(tf.mul(x, slope));
    const value = tf.mul(x, gate);
    return {
      value,
      saved: [value, gate],
      // dy/dx = s + 1.702 y (1 − s)
      gradients: (outputGradient, [y, s]) => ({
        x: () =>
          tf.mul(
            outputGradient,
            tf.add(
              s as tf.Tensor,
              tf.mul(y as tf.Tensor, tf.sub(slope, tf.mul(s as tf.Tensor, slope))),
            ),
          ),
      }),
    };
  }) as T;
}

/** x Φ(x) with Φ the normal distribution's, exact (Hendrycks & Gimpel 2016, eq. 1). */
export function gelu<T extends tf.Tensor>(x: T): T {
  return differentiable({ x }, () => {
    const probability = normalProbability(x);
    return {
      value: tf.mul(x, probability),
      saved: [x, probability],
      gradients: (outputGradient, [savedX, savedProbability]) => ({
        x: () =>
          tf.mul(outputGradient, geluSlope(savedX as tf.Tensor, savedProbability as tf.Tensor)),
      }),
    };
  }) as T;
}

/**
 * value · gelu(gate), the gated feed-forward of Shazeer 2020 (GLU Variants, eq. 7), of inputs that come
 * divided by √2: with v and g so scaled it is v g (1 + erf g), which saves two passes.
 * @param value any shape
 * @param gate the same shape
 */
export function scaledGeglu<T extends tf.Tensor>(value: T, gate: T): T {
  return differentiable({ value, gate }, () => {
    // 1 + erf g = 2 Φ(√2 g)
    const doubled = tf.add(tf.erf(gate), 1);
    return {
      value: tf.mul(value, tf.mul(gate, doubled)),
      // The largest activations of the network: no more of them are kept than must be.
      saved: [value, gate, doubled],
      gradients: (outputGradient, saved) => {
        const [v, g, d] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return {
          value: () => tf.mul(outputGradient, tf.mul(g, d)),
          // d(g (1 + erf g))/dg = 1 + erf g + g 2/√π exp(−g²)
          gate: () => {
            const density = tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.square(g)));
            return tf.mul(tf.mul(outputGradient, v), tf.add(tf.mul(g, density), d));
          },
        };
      },
    };
  }) as T;
}

/** Φ(x) = (1 + erf(x / √2)) / 2 */
function normalProbability(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
}

/** d(x Φ(x))/dx = Φ(x) + x exp(−x²/2) / √(2π) */
function geluSlope(x: tf.Tensor, probability: tf.Tensor): tf.Tensor {
  const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return tf.add(probability, tf.mul(x, density));
}
