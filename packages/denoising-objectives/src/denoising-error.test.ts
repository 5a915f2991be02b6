import * as tf from '@tensorflow/tfjs-core';
import { denoisingError } from './denoising-error';

const predicted = () => tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]);
const wanted = () => tf.tensor3d([1, 2.5, 3, 3, 5, 6, 7, 6], [2, 2, 2]);

test('the mean square of each row', () => {
  const error = denoisingError(predicted(), wanted());
  expect(error.shape).toEqual([2]);
  expect(Array.from(error.dataSync())).toEqual([(0.25 + 1) / 4, 1]);
});

test('its gradient', () => {
  const f = (x: tf.Tensor) => denoisingError(x, wanted());
  expect(tf.grad(f)(predicted())).toBeGradient(
    tf.tensor3d([0, -0.25, 0, 0.5, 0, 0, 0, 1], [2, 2, 2]),
    1e-6,
  );
  expect(f).toHaveFiniteDifferences(predicted(), 1e-4);
});

test('what does not fit is refused', () => {
  expect(() => denoisingError(predicted(), tf.zeros([2, 2]))).toThrow(
    'prediction [2, 2, 2] and target [2, 2] must have the same shape [rows, …].',
  );
  const none = tf.zeros([0, 2]);
  expect(() => denoisingError(none, none)).toThrow(
    'An objective needs at least one row, but prediction has the shape [0, 2].',
  );
});
