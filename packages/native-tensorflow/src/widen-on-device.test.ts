import * as tf from '@tensorflow/tfjs-core';
import { installNativeTensorflow } from './install';
import { useBestBackend } from './use-best-backend';
import { widenOnDevice } from './widen-on-device';

const ALL = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
const bytes = new Uint8Array(ALL.buffer);

beforeAll(async () => {
  await installNativeTensorflow();
  await useBestBackend({ backend: 'tensorflow', quiet: true });
});

/** IEEE 754: 1 sign, `exponentBits`, and the fraction. */
function valueOf(bits: number, exponentBits: number): number {
  const fractionBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = bits >> 15 === 1 ? -1 : 1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}

it.each([
  ['F16', 5],
  ['BF16', 8],
] as const)('widens every %s number exactly', (format, exponentBits) => {
  const before = tf.memory().numTensors;
  const wide = widenOnDevice(bytes, format, [2 ** 8, 2 ** 8])!;
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(wide.shape).toEqual([256, 256]);
  const values = wide.dataSync();
  const wrong = ALL.filter((bits) => !Object.is(values[bits], valueOf(bits, exponentBits)));
  expect([...wrong]).toEqual([]);
  wide.dispose();
});

it('leaves what it cannot do to others', () => {
  expect(widenOnDevice(bytes.subarray(0, 6), 'F16', [3])).toBeUndefined();
  expect(widenOnDevice(bytes.subarray(2, 6), 'F16', [2])).toBeUndefined();
});
