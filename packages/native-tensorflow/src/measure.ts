import * as tf from '@tensorflow/tfjs-core';

/**
 * Speed of a square float32 matrix product on the active backend.
 * @param size rows and columns
 * @returns the best of several runs, in GFLOP/s (2 · size³ operations each)
 */
export function measureMatmulRate(size = 1024): Promise<number> {
  const operations = 2 * size ** 3;
  return bestRate(operations, () => {
    const a = tf.ones<tf.Rank.R2>([size, size]);
    return { inputs: [a], call: () => tf.matMul(a, a) };
  });
}

/**
 * Speed of a 3×3 convolution, the work a denoiser spends most of its time on, on the active backend.
 * @param channels input and output channels, on a `[1, 32, 32, channels]` image
 * @returns the best of several runs, in GFLOP/s
 */
export function measureConvolutionRate(channels = 320): Promise<number> {
  const operations = 2 * 32 * 32 * 9 * channels ** 2;
  return bestRate(operations, () => {
    const image = tf.ones<tf.Rank.R4>([1, 32, 32, channels]);
    const kernel = tf.ones<tf.Rank.R4>([3, 3, channels, channels]);
    return { inputs: [image, kernel], call: () => tf.conv2d(image, kernel, 1, 'same') };
  });
}

interface Workload {
  readonly inputs: readonly tf.Tensor[];
  readonly call: () => tf.Tensor;
}

async function bestRate(operations: number, prepare: () => Workload): Promise<number> {
  const { inputs, call } = prepare();
  let best = Infinity;
  const end = performance.now() + 500;
  // The first run pays for the library's start, so at least two are needed.
  for (let round = 0; round < 2 || (round < 50 && performance.now() < end); round++) {
    const start = performance.now();
    const result = call();
    // Reading the values back is what waits for the work.
    await result.data();
    best = Math.min(best, performance.now() - start);
    result.dispose();
  }
  tf.dispose([...inputs]);
  return operations / best / 1e6;
}
