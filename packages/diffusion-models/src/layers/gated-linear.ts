import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { scaledGeglu } from './activations';
import { differentiable } from './differentiable';
import { effectiveWeight } from './effective-weight';
import { linear, linearWith } from './linear';
import { hasKernel, runKernel } from './operations/kernel';
import { product, weightGradient } from './operations/product';
import { parameter } from './parameter';

/**
 * value · gelu(gate) with [value | gate] = x Wᵀ + b, the gated linear unit of Shazeer 2020 (GLU Variants, eq. 7).
 *
 * @param x `[rows, in]`
 * @returns `[rows, out]`, half of the rows of W
 */
export function gatedLinear(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
): tf.Tensor2D {
  return hasKernel('LoopGatedLinear')
    ? gatedLinearByKernel(parameters, path, x)
    : composedGatedLinear(parameters, path, x);
}

function gatedLinearByKernel(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
): tf.Tensor2D {
  const weight = effectiveWeight(parameters, path);
  const bias = parameter(parameters.weights, `${path}.bias`);
  const engine = tf.engine() as unknown as { isTapeOn(): boolean };
  // The gradient needs both halves. Where nobody asks for it, they never leave the cache.
  const isRecorded = engine.isTapeOn();
  return differentiable({ x, weight, bias }, () => {
    if (!isRecorded) {
      const [value] = runKernel('LoopGatedLinear', { x, weight, bias });
      return { value: value as tf.Tensor, saved: [], gradients: notRecorded };
    }
    const halves = product(x, weight, false, { bias });
    return {
      value: runKernel('LoopGate', { x: halves })[0] as tf.Tensor,
      saved: [halves, x, weight],
      gradients: (dy, saved) => {
        const [savedHalves, savedX, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const [gradient] = runKernel('LoopGateGradient', { x: savedHalves, dy }) as [tf.Tensor2D];
        return {
          x: () => product(gradient, savedWeight, true),
          weight: () => weightGradient(gradient, savedX),
          bias: () => tf.sum(gradient, 0),
        };
      },
    };
  }) as tf.Tensor2D;
}

function notRecorded(): never {
  throw new Error('A gradient was asked for of what was computed without a tape.');
}

function composedGatedLinear(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
): tf.Tensor2D {
  const halves = <T extends tf.Tensor>(t: T, axis: number): T[] =>
    tf.split(tf.mul<T>(t, Math.SQRT1_2), 2, axis);
  const [rows, inputs] = x.shape;
  let value: tf.Tensor;
  let gate: tf.Tensor;
  // What is cut and scaled is the smaller of the weight and its output.
  if (rows < inputs) {
    [value, gate] = halves(linear(parameters, path, x), 1) as [tf.Tensor, tf.Tensor];
  } else {
    const [valueBias, gateBias] = halves(parameter(parameters.weights, `${path}.bias`), 0);
    const [valueWeight, gateWeight] = halves(effectiveWeight(parameters, path), 0);
    value = linearWith(x, valueWeight as tf.Tensor2D, { bias: valueBias });
    gate = linearWith(x, gateWeight as tf.Tensor2D, { bias: gateBias });
  }
  return scaledGeglu(value, gate) as tf.Tensor2D;
}
