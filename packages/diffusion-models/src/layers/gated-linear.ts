import * as tf from '@tensorflow/tfjs-core';
import type { ModelParameters } from '../types';
import { scaledGeglu } from './activations';
import { differentiable } from './differentiable';
import { linear, linearWith } from './linear';
import { halveWeight, linearWeight, scaleWeight } from './linear-weight';
import { observe } from './observe';
import { hasKernel, runKernel } from './operations/kernel';
import { asFloat32 } from './operations/stored-weight';
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
  const unobserved = { weights: parameters.weights, lora: parameters.lora };
  observe(parameters, path, () => linear(unobserved, path, x));
  return hasKernel('LoopGatedLinear')
    ? gatedLinearByKernel(unobserved, path, x)
    : composedGatedLinear(unobserved, path, x);
}

function gatedLinearByKernel(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor2D,
): tf.Tensor2D {
  const layer = linearWeight(parameters, path);
  const bias = parameter(parameters.weights, `${path}.bias`);
  const engine = tf.engine() as unknown as { isTapeOn(): boolean };
  // The gradient needs both halves. Where nobody asks for it, they never leave the cache.
  if (engine.isTapeOn()) return gate(linearWith(x, layer, { bias }));
  return runKernel('LoopGatedLinear', {
    x,
    weight: asFloat32(layer.weight),
    bias,
  })[0] as tf.Tensor2D;
}

/** value · gelu(gate) of [value | gate]. */
function gate(halves: tf.Tensor): tf.Tensor2D {
  return differentiable({ halves }, () => ({
    value: runKernel('LoopGate', { x: halves })[0] as tf.Tensor,
    saved: [halves],
    gradients: (dy, [x]) => ({
      halves: () => runKernel('LoopGateGradient', { x, dy })[0] as tf.Tensor,
    }),
  })) as tf.Tensor2D;
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
    const [valueLayer, gateLayer] = halveWeight(
      scaleWeight(linearWeight(parameters, path), Math.SQRT1_2),
    );
    value = linearWith(x, valueLayer, { bias: valueBias });
    gate = linearWith(x, gateLayer, { bias: gateBias });
  }
  return scaledGeglu(value, gate) as tf.Tensor2D;
}
