import * as tf from '@tensorflow/tfjs-core';
import type { RandomSource, Weights } from './types';
import { weightTensor } from './weight-tensor';

/** The shape that each weight of a model has, under its key, in this library's layout. */
export type WeightShapes = Readonly<Record<string, readonly number[]>>;

/** Collects the shapes of a model's layers, layer by layer. */
export interface ShapeCollector {
  readonly shapes: Record<string, readonly number[]>;
  linear(path: string, inputs: number, outputs: number, options?: { bias: boolean }): void;
  convolution(path: string, inputs: number, outputs: number, size: 1 | 3): void;
  norm(path: string, channels: number): void;
}

export function shapeCollector(): ShapeCollector {
  const shapes: Record<string, readonly number[]> = {};
  return {
    shapes,
    linear(path, inputs, outputs, options) {
      shapes[`${path}.weight`] = [outputs, inputs];
      if (options?.bias !== false) shapes[`${path}.bias`] = [outputs];
    },
    convolution(path, inputs, outputs, size) {
      shapes[`${path}.weight`] = [size, size, inputs, outputs];
      shapes[`${path}.bias`] = [outputs];
    },
    norm(path, channels) {
      shapes[`${path}.weight`] = [channels];
      shapes[`${path}.bias`] = [channels];
    },
  };
}

/**
 * Fresh weights as PyTorch's layers start: norms with weight 1 and bias 0, all else uniform in
 * ±1 / √(inputs of one output), which is what He initialisation with a = √5 comes to.
 */
export function initializeWeights(
  shapes: WeightShapes,
  random: RandomSource,
): Record<string, tf.Tensor> {
  const weights: Record<string, tf.Tensor> = {};
  for (const [key, shape] of Object.entries(shapes)) {
    const kernel = key.endsWith('.bias') ? shapes[key.replace(/bias$/, 'weight')] : shape;
    if (kernel === undefined) throw new Error(`"${key}" is a bias without a weight`);
    if (kernel.length === 1) {
      weights[key] = key.endsWith('.bias') ? tf.zeros([...shape]) : tf.ones([...shape]);
      continue;
    }
    const bound = 1 / Math.sqrt(inputsOf(kernel));
    const values = random.uniform(product(shape));
    // In place: large models have weights of more than a hundred megabytes.
    for (let index = 0; index < values.length; index++) {
      values[index] = (2 * (values[index] as number) - 1) * bound;
    }
    weights[key] = weightTensor(values, shape);
  }
  return weights;
}

/**
 * @throws Error that names every weight that is missing, does not belong to the model or has another
 *   shape
 */
export function checkWeights(model: string, weights: Weights, shapes: WeightShapes): void {
  const problems: string[] = [];
  for (const [key, shape] of Object.entries(shapes)) {
    const found = weights[key]?.shape;
    if (found === undefined) problems.push(`"${key}" is missing`);
    else if (found.join() !== shape.join()) {
      problems.push(`"${key}" has shape [${found.join(', ')}], expected [${shape.join(', ')}]`);
    }
  }
  for (const key of Object.keys(weights)) {
    if (!(key in shapes)) problems.push(`"${key}" is unknown`);
  }
  if (problems.length === 0) return;
  const shown = problems.slice(0, 5).join('; ');
  const rest = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  throw new Error(`the weights of ${model} do not fit its config: ${shown}${rest}`);
}

/** Inputs that one output of a kernel sees: `[out, in]` or `[height, width, in, out]`. */
function inputsOf(kernel: readonly number[]): number {
  return kernel.length === 2 ? product(kernel.slice(1)) : product(kernel.slice(0, -1));
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}
