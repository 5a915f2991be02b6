import * as tf from '@tensorflow/tfjs-core';
import { isStoredAsBfloat16, storeAsBfloat16 } from './bfloat16-storage';
import { compile } from './compile/compile';
import { installNativeTensorflow } from './install';
import { useBestBackend } from './use-best-backend';

beforeAll(async () => {
  await installNativeTensorflow();
  await useBestBackend({ backend: 'tensorflow', quiet: true });
});

const widen = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel('LoopWiden', { x });

/** To the nearest, to the even one halfway; by way of float32's bits, of which bfloat16 is the upper half. */
function rounded(x: number): number {
  const bits = new Uint32Array(new Float32Array([x]).buffer);
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0]!;
}

const values = Float32Array.from([
  ...[0, -0, 1, -1, 1 / 3, -Math.PI, 3e38, -1e-38, 65504, Infinity, -Infinity],
  // Halfway between two neighbours, and just off it.
  ...[1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -8 - 2 ** -20],
]);

it('keeps what is nearest, in the same shape, and gives it back', () => {
  tf.tidy(() => {
    const stored = storeAsBfloat16(tf.tensor(values, [5, 3]))!;
    expect(stored).toMatchObject({ shape: [5, 3], dtype: 'float32' });
    expect(isStoredAsBfloat16(stored)).toBe(true);
    const wide = widen(stored);
    expect(wide.shape).toEqual([5, 3]);
    expect([...wide.dataSync()]).toEqual([...values].map(rounded));
    expect(widen(storeAsBfloat16(tf.scalar(Number.NaN))!).dataSync()).toEqual(
      Float32Array.of(Number.NaN),
    );
  });
});

it('is the same to what copies a tensor without its numbers, and is freed as any other', () => {
  const before = tf.memory();
  const x = tf.tensor(values);
  const stored = storeAsBfloat16(x)!;
  const clone = tf.clone(stored);
  tf.dispose([x, stored]);
  expect(isStoredAsBfloat16(clone)).toBe(true);
  expect([...tf.tidy(() => widen(clone).dataSync())]).toEqual([...values].map(rounded));
  clone.dispose();
  expect(tf.memory()).toMatchObject({
    numTensors: before.numTensors,
    numDataBuffers: before.numDataBuffers,
  });
});

it('serves compiled functions, given to them or from outside, each beside its float32 twin', () => {
  tf.tidy(() => {
    const x = tf.tensor(values.subarray(0, 9));
    const stored = storeAsBfloat16(x)!;
    const given = compile((weight: tf.Tensor) => tf.add(widen(weight), 1));
    const outside = compile((y: tf.Tensor) => tf.add(widen(stored), y));
    const plusOne = (all: readonly number[]) => [...Float32Array.from(all, (value) => value + 1)];
    const nearest = [...values.subarray(0, 9)].map(rounded);
    for (let call = 0; call < 2; call++) {
      expect([...given(stored).dataSync()]).toEqual(plusOne(nearest));
      expect([...given(x).dataSync()]).toEqual(plusOne([...values.subarray(0, 9)]));
      expect([...outside(tf.scalar(1)).dataSync()]).toEqual(plusOne(nearest));
    }
    given.dispose();
    outside.dispose();
  });
});

it('other operations refuse it, and other tensors are what they are', () => {
  tf.tidy(() => {
    const x = tf.tensor(values);
    const stored = storeAsBfloat16(x)!;
    expect(() => tf.add(stored, 1)).toThrow(/bfloat16/);
    expect(() => tf.matMul(tf.ones([1, 15]), tf.reshape(stored, [15, 1]))).toThrow(/bfloat16/);
    expect(widen(x).dataId).toBe(x.dataId);
    expect(storeAsBfloat16(stored)).toBeUndefined();
    expect(storeAsBfloat16(tf.ones([2], 'int32'))).toBeUndefined();
  });
});
