import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { addonFile } from './addon-files';
import { buildFolder, manifestFile } from './cache';
import { restoreRemovedUtilities } from './load';
import { measureConvolutionRate, measureMatmulRate } from './measure';
import { nativeTensorflowStatus } from './status';
import { useBestBackend } from './use-best-backend';
import { nativeBuilds } from './wheels';

const folder = buildFolder(nativeBuilds.cpu);
const installed = existsSync(join(folder, manifestFile));
// Continuous integration must not be green because the library could not be installed: there these fail without it.
const describeNative = installed || Boolean(process.env['CI']) ? describe : describe.skip;

describeNative(installed ? 'TensorFlow' : 'TensorFlow (not installed, see npm run setup)', () => {
  beforeAll(async () => {
    await useBestBackend({ backend: 'tensorflow', quiet: true });
  });

  it('is the pinned version, and the active backend', async () => {
    const choice = await useBestBackend({ backend: 'tensorflow', quiet: true });
    expect(choice).toMatchObject({
      name: 'tensorflow',
      gpu: false,
      version: 'TensorFlow 2.21.0',
    });
    expect(tf.getBackend()).toBe('tensorflow');
    const status = await nativeTensorflowStatus();
    expect(status).toMatchObject({
      unsupported: null,
      cpu: { installed: true, version: '2.21.0', folder },
    });
    expect(status.cpu.size).toBeGreaterThan(8e8);
  });

  it('multiplies matrices: Σ_k i·k · k·j = i·j·Σ k²', () => {
    const n = 17;
    const index = Array.from({ length: n }, (_, i) => i);
    const matrix = tf.tensor2d(index.map((i) => index.map((k) => i * k)));
    const product = tf.matMul(matrix, matrix).arraySync();
    const squares = ((n - 1) * n * (2 * n - 1)) / 6;
    // All integers below 2²⁴, so float32 is exact.
    expect(product).toEqual(index.map((i) => index.map((j) => i * j * squares)));
  });

  it('convolves: a 3×3 box over ones counts the pixels inside', () => {
    const image = tf.ones<tf.Rank.R4>([1, 4, 5, 2]);
    const kernel = tf.ones<tf.Rank.R4>([3, 3, 2, 1]);
    const counts = tf.reshape(tf.conv2d(image, kernel, 1, 'same'), [4, 5]).arraySync();
    expect(counts).toEqual([
      [8, 12, 12, 12, 8],
      [12, 18, 18, 18, 12],
      [12, 18, 18, 18, 12],
      [8, 12, 12, 12, 8],
    ]);
  });

  it('differentiates a convolution with respect to its input', () => {
    const image = tf.ones<tf.Rank.R4>([1, 3, 3, 1]);
    const kernel = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
    const gradient = tf.grad((x) => tf.sum(tf.conv2d(x as tf.Tensor4D, kernel, 1, 'same')))(image);
    expect(tf.reshape(gradient, [3, 3]).arraySync()).toEqual([
      [4, 6, 4],
      [6, 9, 6],
      [4, 6, 4],
    ]);
  });

  it('gives the same bytes each time', () => {
    const step = () => {
      const image = tf.randomNormal<tf.Rank.R4>([2, 16, 16, 8], 0, 1, 'float32', 1);
      const kernel = tf.randomNormal<tf.Rank.R4>([3, 3, 8, 16], 0, 1, 'float32', 2);
      const loss = (x: tf.Tensor) => {
        const features = tf.reshape(tf.conv2d(x as tf.Tensor4D, kernel, 1, 'same'), [2, 256, 16]);
        const attention = tf.softmax(tf.matMul(features, features, false, true));
        return tf.sum(tf.square(tf.matMul(attention, features)));
      };
      return Buffer.from(tf.grad(loss)(image).dataSync().slice().buffer).toString('base64');
    };
    expect(step()).toBe(step());
  });

  it('keeps no tensor that was disposed of', () => {
    const step = () => {
      tf.tidy(() =>
        tf
          .grad((x) => tf.sum(tf.square(x)))(tf.ones([32, 32]))
          .dataSync(),
      );
    };
    step();
    const { numTensors, numDataBuffers } = tf.memory();
    for (let round = 0; round < 5; round++) step();
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers });
  });

  it('has a measurable speed', async () => {
    expect(await measureMatmulRate(64)).toBeGreaterThan(0);
    expect(await measureConvolutionRate(8)).toBeGreaterThan(0);
    const { numTensors } = tf.memory();
    await measureMatmulRate(16);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('loads in a worker thread too', async () => {
    const script = `require('node:worker_threads').parentPort.postMessage(
      require(${JSON.stringify(join(folder, addonFile))}).TF_Version)`;
    const worker = new Worker(script, { eval: true });
    const version = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    await worker.terminate();
    expect(version).toBe('2.21.0');
  });

  it('finds the functions that Node 23 removed', async () => {
    restoreRemovedUtilities();
    const util = (await import('node:util')).default as unknown as Record<
      string,
      (value: unknown) => boolean
    >;
    expect([undefined, null, 0].map((value) => util['isNullOrUndefined']?.(value))).toEqual([
      true,
      true,
      false,
    ]);
    expect(util['isArray']?.([])).toBe(true);
    expect(tf.topk(tf.tensor1d([3, 1, 2]), 2).values.arraySync()).toEqual([3, 2]);
  });
});
