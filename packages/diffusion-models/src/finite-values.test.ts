import { float16Tensor, toFloat32Array, type SafetensorsTensor } from '@loop-diffusion/safetensors';
import { firstNonFinite, firstNonFiniteHalf } from './finite-values';

const largest = 3.4028234663852886e38;

test.each([
  [[], undefined],
  [[0, -0, 1e-45, largest, -largest], undefined],
  [[1, 2, 3, 4, 5, NaN], NaN],
  [[1, -Infinity, 3, 4, NaN], -Infinity],
  [[Infinity, -Infinity], Infinity],
])('the first of %j that is not finite', (values, expected) => {
  expect(firstNonFinite(Float32Array.from(values))).toBe(expected);
  expect(firstNonFinite(Float32Array.from([...Array<number>(9).fill(1), ...values]))).toBe(
    expected,
  );
});

test.each(['F16', 'BF16'] as const)('every %s number', (dtype) => {
  for (let i = 0; i < 4 * 0x10000; i++) {
    const bits = i >> 2;
    // In either half of a word, and also where words are not aligned.
    const [first, shift] = [i & 1, i & 2];
    const bytes = new Uint8Array(new ArrayBuffer(8), shift, 4);
    bytes.set([bits & 0xff, bits >> 8], 2 * first);
    const tensor: SafetensorsTensor = { dtype, shape: [2], bytes };
    const value = toFloat32Array(tensor)[first]!;
    const found = firstNonFiniteHalf(tensor);
    // Not `expect` for each, which takes seconds.
    if (!Object.is(found, Number.isFinite(value) ? undefined : value)) {
      throw new Error(`${bits} is ${value}, found ${found ?? 'nothing'}`);
    }
  }
  expect(firstNonFiniteHalf(float16Tensor(Float32Array.of(65504, 65520), [2]))).toBe(Infinity);
});
