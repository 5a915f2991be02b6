import * as tf from '@tensorflow/tfjs-core';
import { installNativeTensorflow } from '../install';
import { useBestBackend } from '../use-best-backend';
import { compile } from './compile';
import type { NativeBackend } from './native-backend';

beforeAll(async () => {
  await installNativeTensorflow();
  await useBestBackend({ backend: 'tensorflow', quiet: true });
});

const random = (shape: number[], seed = 1) => tf.randomNormal(shape, 0, 1, 'float32', seed);

function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  expect(a.shape).toEqual(b.shape);
  expect(a.dtype).toBe(b.dtype);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number);
}

/** A bit of everything: lists of inputs, several outputs, attributes of all kinds, constants. */
function manyOperations({ image, filter }: { image: tf.Tensor4D; filter: tf.Tensor4D }) {
  const [batch, height, width, channels] = image.shape;
  const convolved = tf.conv2d(image, filter, 2, 'same');
  const padded = tf.pad(image, [
    [0, 0],
    [0, 1],
    [1, 0],
    [0, 0],
  ]);
  const valid = tf.conv2d(padded, filter, 1, 'valid');
  const rows = tf.reshape(image, [batch, height * width, channels]);
  const scores = tf.softmax(tf.matMul(rows, rows, false, true));
  const [first, second] = tf.split(tf.transpose(rows, [0, 2, 1]), 2, 1) as [tf.Tensor, tf.Tensor];
  const stacked = tf.stack([first, tf.mul(second, 2), tf.add(first, tf.scalar(1))]);
  const chosen = tf.gather(rows, tf.tensor1d([2, 0, 2], 'int32'), 1);
  const gated = tf.where(tf.greater(image, 0), tf.erf(image), tf.exp(image));
  return {
    convolved,
    list: [valid, tf.concat([scores, scores], 2), stacked],
    chosen,
    gated,
    mean: tf.mean(image, [1, 2], true),
    norm: tf.sqrt(tf.sum(tf.square(image))),
    clipped: tf.clipByValue(image, -0.5, 0.5),
    tiled: tf.tile(chosen, [1, 2, 1]),
    slice: tf.slice(image, [0, 1, 0, 0], [-1, 1, 2, -1]),
  };
}

describe('a compiled function', () => {
  it.each([undefined, 'runs', 'whole'] as const)(
    'gives what the function gives (fuse: %s)',
    (fuse) => {
      const inputs = {
        image: random([2, 4, 4, 6]) as tf.Tensor4D,
        filter: random([3, 3, 6, 5], 2) as tf.Tensor4D,
      };
      const expected = manyOperations(inputs);
      const actual = compile(manyOperations, { fuse })(inputs);
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      const flat = (result: typeof expected) =>
        Object.values(result).flat() as unknown as tf.Tensor[];
      for (const [index, tensor] of flat(actual).entries()) {
        // Products of a few dozen terms of size 1 in float32.
        expect(largestDifference(tensor, flat(expected)[index]!)).toBeLessThan(1e-5);
      }
    },
  );

  it.each([undefined, 'runs', 'whole'] as const)('may take gradients inside (fuse: %s)', (fuse) => {
    const loss = (x: tf.Tensor, w: tf.Tensor) =>
      tf.mean(tf.square(tf.sigmoid(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D))));
    const step = (x: tf.Tensor, w: tf.Tensor) => {
      const { value, grads } = tf.valueAndGrads(loss)([x, w]);
      return [value, ...grads] as const;
    };
    const [x, w] = [random([8, 5]), random([5, 3], 2)];
    const expected = step(x, w);
    const actual = compile(step, { fuse })(x, w);
    for (const [index, tensor] of actual.entries()) {
      expect(largestDifference(tensor, expected[index]!)).toBeLessThan(1e-6);
    }
  });

  it('is one operation for TensorFlow, and traced once per signature', () => {
    let traces = 0;
    const f = compile((x: tf.Tensor, factor: number, options: { bias?: number } = {}) => {
      traces += 1;
      return tf.add(tf.mul(tf.exp(x), factor), options.bias ?? 0);
    });
    const { binding } = tf.backend() as NativeBackend;
    const calls = jest.spyOn(tf.backend() as NativeBackend, 'executeMultipleOutputs');
    const x = random([3]);
    for (const at of [x, random([3], 2)]) {
      expect(largestDifference(f(at, 2), tf.mul(tf.exp(at), 2))).toBeLessThan(1e-6);
    }
    expect(traces).toBe(1);
    expect(calls).toHaveBeenCalledTimes(2);
    expect((tf.backend() as NativeBackend).binding).toBe(binding);
    expect([...f(x, 3).dataSync()]).not.toEqual([...f(x, 2).dataSync()]);
    expect(traces).toBe(2);
    expect(f(random([3, 1]), 2).shape).toEqual([3, 1]);
    expect(traces).toBe(3);
    expect([...f(x, 2, { bias: 1 }).dataSync()]).not.toEqual([...f(x, 2).dataSync()]);
    expect(traces).toBe(4);
    calls.mockRestore();
  });

  it('keeps the structure of arguments and results, and what is in them beside tensors', () => {
    class Settings {
      constructor(readonly factor: number) {}
    }
    const f = compile((tree: { list: [tf.Tensor, null]; settings: Settings; name?: string }) => ({
      doubled: [tf.mul(tree.list[0], tree.settings.factor)],
      nothing: tree.list[1],
      name: tree.name,
      same: tree.list[0],
      constant: tf.scalar(7),
    }));
    const x = tf.tensor1d([1, 2]);
    const result = f({ list: [x, null], settings: new Settings(2) });
    expect([...result.doubled[0]!.dataSync()]).toEqual([2, 4]);
    expect([...result.same.dataSync()]).toEqual([1, 2]);
    expect(result.constant.dataSync()[0]).toBe(7);
    expect(result).toMatchObject({ nothing: null, name: undefined });
    // Objects of a class count by identity.
    expect([...f({ list: [x, null], settings: new Settings(3) }).doubled[0]!.dataSync()]).toEqual([
      3, 6,
    ]);
  });

  it('knows typed arrays by their bytes', () => {
    let traces = 0;
    const f = compile((x: tf.Tensor, factors: Float32Array | Float64Array) => {
      traces += 1;
      return tf.mul(x, factors[1] as number);
    });
    const x = tf.tensor1d([1, 2]);
    const factors = Float64Array.of(0, 2, 5);
    const results = [
      f(x, factors),
      f(x, factors.slice()),
      f(x, Float64Array.of(9, ...factors).subarray(1)),
    ];
    expect(traces).toBe(1);
    for (const result of results) expect([...result.dataSync()]).toEqual([2, 4]);
    factors[1] = 3;
    expect([...f(x, factors).dataSync()]).toEqual([3, 6]);
    f(x, Float32Array.of(0, 3, 5));
    expect(traces).toBe(3);
  });

  it('goes on using tensors and variables from outside', () => {
    const bias = tf.tensor1d([1, 1]);
    const weight = tf.variable(tf.tensor1d([2, 3]));
    const f = compile((x: tf.Tensor) => tf.add(tf.mul(x, weight), bias));
    const x = tf.tensor1d([1, 1]);
    expect([...f(x).dataSync()]).toEqual([3, 4]);
    weight.assign(tf.tensor1d([5, 6]));
    expect([...f(x).dataSync()]).toEqual([6, 7]);
    bias.dispose();
    expect(() => f(x)).toThrow('uses from outside has been disposed of');
  });

  it('calls functions that are compiled themselves', () => {
    const inner = compile((x: tf.Tensor) => tf.exp(x));
    const outer = compile((x: tf.Tensor) => tf.mul(inner(x), 2));
    const x = random([4]);
    expect(largestDifference(outer(x), tf.mul(tf.exp(x), 2))).toBeLessThan(1e-6);
    expect(largestDifference(inner(x), tf.exp(x))).toBeLessThan(1e-6);
  });

  it('leaves no tensors behind', () => {
    const f = compile((x: tf.Tensor) => {
      const loss = (y: tf.Tensor) => tf.sum(tf.mul(tf.sigmoid(y), tf.tensor1d([1, 2, 3])));
      return { gradient: tf.grad(loss)(x), kept: tf.keep(tf.square(x)) };
    });
    const x = random([3]);
    const native = () =>
      (
        (tf.backend() as NativeBackend).binding as unknown as { getNumOfTensors(): number }
      ).getNumOfTensors();
    tf.dispose(f(x));
    const before = { ...tf.memory(), native: native() };
    tf.dispose(f(x));
    tf.dispose(compile((y: tf.Tensor) => tf.add(tf.exp(y), 1))(x));
    const after = { ...tf.memory(), native: native() };
    expect(after.numTensors).toBe(before.numTensors);
    expect(after.numDataBuffers).toBe(before.numDataBuffers);
    expect(after.native).toBe(before.native);
  });

  it('compiles again after dispose', () => {
    let traces = 0;
    const f = compile((x: tf.Tensor) => {
      traces += 1;
      return tf.exp(x);
    });
    const x = tf.zeros([2]);
    f(x);
    f.dispose();
    expect([...f(x).dataSync()]).toEqual([1, 1]);
    expect(traces).toBe(2);
  });
});

it.each([0, 1.5, Number.NaN])('cannot keep %s signatures', (maximumTraces) => {
  expect(() => compile((x: tf.Tensor) => x, { maximumTraces })).toThrow(
    `maximumTraces is ${maximumTraces}, but must be a whole number of at least 1.`,
  );
});

describe('what cannot be compiled', () => {
  const x = () => tf.tensor1d([1, 2]);

  it('a function that reads values', () => {
    const f = compile((y: tf.Tensor) => tf.mul(y, y.dataSync()[0] as number));
    expect(() => f(x())).toThrow('cannot read the values of its tensors');
    // The backend is as it was.
    expect([...tf.exp(tf.zeros([1])).dataSync()]).toEqual([1]);
  });

  it('an error of its own passes through', () => {
    const f = compile((y: tf.Tensor) => tf.matMul(y as tf.Tensor2D, tf.zeros([3, 3])));
    expect(() => f(x())).toThrow(/rank|dimension|matMul/i);
    expect([...tf.exp(tf.zeros([1])).dataSync()]).toEqual([1]);
  });
});

it('calls the function itself on another backend', async () => {
  await useBestBackend({ backend: 'cpu', quiet: true });
  let calls = 0;
  const f = compile((x: tf.Tensor) => {
    calls += 1;
    return tf.square(x);
  });
  expect([...f(tf.tensor1d([3])).dataSync()]).toEqual([9]);
  expect([...f(tf.tensor1d([4])).dataSync()]).toEqual([16]);
  expect(calls).toBe(2);
  await useBestBackend({ backend: 'tensorflow', quiet: true });
});
