/** Matchers for gradients: the setup of every package with tensors has them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';

/**
 * Compares a gradient with the expected one in units of its own size: ‖found − expected‖ / ‖expected‖ is at most `tolerance`.
 * Their cosine is then at least √(1 − tolerance²); it is told as well, for it tells a wrong direction from a wrong length.
 * Compared with the largest number of a tensor or of a whole model, a small gradient could have the wrong sign.
 *
 * @param tolerance relative, such as 1e-5
 */
function toBeGradient(
  found: Tensor,
  expected: Tensor,
  tolerance: number,
): jest.CustomMatcherResult {
  if (found.shape.join() !== expected.shape.join()) {
    return verdict(false, `shape [${found.shape.join()}], expected [${expected.shape.join()}]`);
  }
  const [a, b] = [found.dataSync(), expected.dataSync()];
  let [difference, product, square, expectedSquare] = [0, 0, 0, 0];
  for (let index = 0; index < b.length; index += 1) {
    const [one = NaN, other = NaN] = [a[index], b[index]];
    difference += (one - other) ** 2;
    product += one * other;
    square += one ** 2;
    expectedSquare += other ** 2;
  }
  if (expectedSquare === 0) return verdict(square === 0, `norm ${Math.sqrt(square)}, expected 0`);
  const relative = Math.sqrt(difference / expectedSquare);
  const cosine = product / Math.sqrt(square * expectedSquare);
  return verdict(
    relative <= tolerance,
    `relative difference ${relative.toExponential(2)}, cosine ${cosine}; expected at most ${tolerance}`,
  );
}

/**
 * `expect(f).toHaveFiniteDifferences(at, tolerance)`: compares the gradient of f, or of the sum of what it gives, with central
 * differences, in units of its own size as `toBeGradient` does.
 *
 * A value's rounding, 1e-7 of it, is divided by twice the step: 5e-6 of the value for 1e-2. As much comes of a third derivative
 * of the slope's size.
 *
 * @param tolerance relative, such as 1e-4
 */
function toHaveFiniteDifferences(
  f: (x: Tensor) => Tensor,
  at: Tensor,
  tolerance: number,
  step = 1e-2,
): jest.CustomMatcherResult {
  let result = verdict(false, 'not been taken');
  tf.tidy(() => {
    const point = Float32Array.from(at.dataSync());
    const valueAt = (index: number, coordinate: number) => {
      const moved = tf.tensor(point.with(index, coordinate), at.shape);
      const values: Iterable<number> = f(moved).dataSync();
      return Array.from(values).reduce((sum, value) => sum + value, 0);
    };
    const slopes = point.map((coordinate, index) => {
      const [below, above] = [Math.fround(coordinate - step), Math.fround(coordinate + step)];
      return (valueAt(index, above) - valueAt(index, below)) / (above - below);
    });
    result = toBeGradient(tf.grad(f)(at), tf.tensor(slopes, at.shape), tolerance);
  });
  return result;
}

function verdict(pass: boolean, figures: string): jest.CustomMatcherResult {
  return { pass, message: () => `The gradient has ${figures}.` };
}

expect.extend({ toBeGradient, toHaveFiniteDifferences });
