import {
  float16Tensor,
  float32Tensor,
  readSafetensors,
  writeSafetensors,
  type SafetensorsTensor,
} from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { weightsFromSafetensors, weightsFromStream, weightsToSafetensors } from './weights';

const values = (count: number) => Float32Array.from({ length: count }, (_, index) => index);

const file = writeSafetensors([
  ['conv.weight', float32Tensor(values(2 * 3 * 4 * 5), [2, 3, 4, 5])],
  ['linear.weight', float32Tensor(values(6), [2, 3])],
  ['text_model.embeddings.position_ids', float32Tensor(values(7), [1, 7])],
]);

test('kernels turn from [out, in, h, w] to [h, w, in, out], nothing else does', () => {
  const weights = weightsFromSafetensors(readSafetensors(file));
  const kernel = weights['conv.weight']!;
  expect(kernel.shape).toEqual([4, 5, 3, 2]);
  // out 1, in 2, h 3, w 4 is the last element of the file's kernel, and of ours.
  const at = kernel.bufferSync();
  expect(at.get(3, 4, 2, 1)).toBe(119);
  expect(at.get(0, 1, 2, 0)).toBe(2 * 20 + 1);
  expect(weights['linear.weight']!.arraySync()).toEqual([
    [0, 1, 2],
    [3, 4, 5],
  ]);
  expect(Object.keys(weights)).not.toContain('text_model.embeddings.position_ids');
});

test.each(['F32', 'F16'] as const)('what was read is written back as %s', (dtype) => {
  const weights = weightsFromSafetensors(readSafetensors(file));
  const again = readSafetensors(writeSafetensors(weightsToSafetensors(weights, dtype)));
  expect(again.tensors.get('conv.weight')).toMatchObject({ dtype, shape: [2, 3, 4, 5] });
  const restored = weightsFromSafetensors(again);
  for (const key of Object.keys(weights)) {
    expect(restored[key]!.arraySync()).toEqual(weights[key]!.arraySync());
  }
});

const tensor = (values: number[]) => float32Tensor(Float32Array.from(values), [values.length]);
const oneWeight = (stored: SafetensorsTensor) =>
  readSafetensors(writeSafetensors([['a.b', stored]]));

test.each([
  [tensor([1, NaN]), 'NaN'],
  [tensor([-Infinity]), '-Infinity'],
  [float16Tensor(Float32Array.of(1, 1e6), [2]), 'Infinity'],
])('weights that are not finite are refused by name, and none kept', async (stored, value) => {
  const before = tf.memory().numTensors;
  const message = `The checkpoint holds ${value} in "a.b", and so would every image.`;
  expect(() => weightsFromSafetensors(oneWeight(stored))).toThrow(message);
  const stream = async function* () {
    yield ['first', tensor([1])] as const;
    yield ['a.b', stored] as const;
  };
  await expect(weightsFromStream(stream(), undefined, 'unet of m')).rejects.toThrow(
    `unet of m holds ${value} in "a.b"`,
  );
  expect(tf.memory().numTensors).toBe(before);
});

test('weights that are not finite, or too large for float16, are not written', () => {
  const before = tf.memory().numTensors;
  const write = (values: number[], dtype: 'F32' | 'F16') => () =>
    tf.tidy(() => {
      weightsToSafetensors({ 'a.b': tf.tensor(values, [1, 1, 1, values.length]) }, dtype);
    });
  expect(write([0, NaN], 'F32')).toThrow(
    'The weight "a.b" holds NaN: a model with it draws nothing',
  );
  expect(write([Infinity], 'F16')).toThrow('holds Infinity');
  expect(write([1, -70_000], 'F16')).toThrow('holds -70000, which float16 does not reach');
  expect(write([65_519, -70_000], 'F32')).not.toThrow();
  expect(write([65_519], 'F16')).not.toThrow();
  expect(tf.memory().numTensors).toBe(before);
});
