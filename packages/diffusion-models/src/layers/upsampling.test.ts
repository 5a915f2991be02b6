import * as tf from '@tensorflow/tfjs-core';

import { resizeNearest } from './upsampling';

let native: string;
beforeAll(() => {
  native = tf.getBackend();
});
afterAll(() => tf.setBackend(native));

describe.each(['the native library', 'plain JavaScript'])('on %s', (name) => {
  // Twice as large, as the UNet and the decoder enlarge, and sizes that do not divide.
  test.each([
    [
      [3, 2],
      [6, 4],
    ],
    [
      [3, 5],
      [7, 8],
    ],
  ] as const)('%j to %j takes the nearest pixel, and gives back its weights', async (from, to) => {
    await tf.setBackend(name === 'plain JavaScript' ? 'cpu' : native);
    const [height, width] = from;
    const [rows, columns] = to;
    const values = Float32Array.from({ length: 2 * height * width * 3 }, (_, i) => Math.sin(i));
    const weights = Float32Array.from({ length: 2 * rows * columns * 3 }, (_, i) => Math.cos(i));
    const expected = new Float32Array(weights.length);
    const expectedGradient = new Float32Array(values.length);
    for (let image = 0; image < 2; image += 1)
      for (let row = 0; row < rows; row += 1)
        for (let column = 0; column < columns; column += 1)
          for (let channel = 0; channel < 3; channel += 1) {
            const y = Math.floor((row * height) / rows);
            const x = Math.floor((column * width) / columns);
            const source = ((image * height + y) * width + x) * 3 + channel;
            const target = ((image * rows + row) * columns + column) * 3 + channel;
            expected[target] = values[source]!;
            expectedGradient[source]! += weights[target]!;
          }

    const x = tf.tensor4d(values, [2, height, width, 3]);
    expect([...resizeNearest(x, to).dataSync()]).toEqual([...expected]);
    const gradient = tf.grad((input: tf.Tensor) =>
      tf.sum(tf.mul(resizeNearest(input as tf.Tensor4D, to), tf.tensor4d(weights, [2, ...to, 3]))),
    )(x);
    const found = gradient.dataSync();
    const worst = Math.max(...found.map((value, i) => Math.abs(value - expectedGradient[i]!)));
    // Sums of at most nine numbers up to 1.
    expect(worst).toBeLessThan(1e-6);
  });
});
