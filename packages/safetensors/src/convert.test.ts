import { float16Tensor, float32Tensor, toFloat32Array } from './convert';
import type { SafetensorsDtype } from './dtype';
import { SafetensorsError } from './safetensors-error';

/** A tensor whose bytes start at an odd offset, as they may in a file. */
function unaligned(dtype: SafetensorsDtype, array: { buffer: ArrayBuffer; length: number }) {
  const source = new Uint8Array(array.buffer);
  const bytes = new Uint8Array(source.length + 1).subarray(1);
  bytes.set(source);
  return { dtype, shape: [array.length], bytes };
}

describe('toFloat32Array', () => {
  const cases: [SafetensorsDtype, { buffer: ArrayBuffer; length: number }, number[]][] = [
    ['F32', new Float32Array([1.5, -2]), [1.5, -2]],
    ['F64', new Float64Array([0.1, -1e300]), [Math.fround(0.1), -Infinity]],
    [
      'F16',
      new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00]),
      [1, -2, 2 ** -24, 65504, -Infinity],
    ],
    ['BF16', new Uint16Array([0x3f80, 0xc000, 0x7f80, 0x0001]), [1, -2, Infinity, 2 ** -133]],
    ['I64', new BigInt64Array([-5n, 2n ** 53n + 1n]), [-5, 2 ** 53]],
    ['U64', new BigUint64Array([2n ** 64n - 1n]), [2 ** 64]],
    ['I32', new Int32Array([-7, 2 ** 31 - 1]), [-7, 2 ** 31]],
    ['U32', new Uint32Array([2 ** 32 - 1]), [2 ** 32]],
    ['I16', new Int16Array([-300]), [-300]],
    ['U16', new Uint16Array([65535]), [65535]],
    ['I8', new Int8Array([-1]), [-1]],
    ['U8', new Uint8Array([255]), [255]],
    ['BOOL', new Uint8Array([0, 1]), [0, 1]],
  ];
  it.each(cases)('widens %s from bytes at any offset', (dtype, array, expected) => {
    const values = toFloat32Array(unaligned(dtype, array));
    expect(values).toBeInstanceOf(Float32Array);
    expect([...values]).toEqual(expected);
  });

  it('copies', () => {
    const tensor = float32Tensor(new Float32Array([1]), [1]);
    toFloat32Array(tensor)[0] = 2;
    expect([...toFloat32Array(tensor)]).toEqual([1]);
  });

  it('refuses bytes that do not fit the shape', () => {
    const tensor = { dtype: 'F32', shape: [2], bytes: new Uint8Array(4) } as const;
    expect(() => toFloat32Array(tensor)).toThrow(SafetensorsError);
  });
});

describe('float32Tensor', () => {
  it('takes a view of a larger buffer', () => {
    const view = new Float32Array([1, 2, 3]).subarray(1);
    const tensor = float32Tensor(view, [2, 1]);
    expect(tensor.bytes.length).toBe(8);
    expect([...toFloat32Array(tensor)]).toEqual([2, 3]);
  });

  it('refuses a count that does not fit the shape', () => {
    expect(() => float32Tensor(new Float32Array(3), [2, 2])).toThrow(
      /\[2, 2\] holds 4 values, but 3/,
    );
    expect(() => float16Tensor(new Float32Array(3), [2, 2])).toThrow(
      /\[2, 2\] holds 4 values, but 3/,
    );
  });
});

describe('float16Tensor', () => {
  const roundTrip = (values: number[]) => [
    ...toFloat32Array(float16Tensor(new Float32Array(values), [values.length])),
  ];

  it('keeps every float16 value', () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
    const values = toFloat32Array({
      dtype: 'F16',
      shape: [65536],
      bytes: new Uint8Array(halves.buffer),
    });
    const again = new Uint16Array(float16Tensor(values, [65536]).bytes.buffer as ArrayBuffer);
    for (let bits = 0; bits < 65536; bits++) {
      if (Number.isNaN(values[bits])) expect((again[bits]! & 0x7fff) > 0x7c00).toBe(true);
      else if (again[bits] !== bits) throw new Error(`${bits} became ${again[bits]}`);
    }
  });

  it('rounds to the nearest, ties to even', () => {
    const ulp = 2 ** -10;
    // Around 1, whose neighbours are 1 + ulp (odd) and 1 + 2 ulp (even).
    expect(
      roundTrip([
        1 + ulp / 2,
        1 + ulp * (0.5 + 2 ** -12),
        1 + ulp * 1.5,
        1 + ulp * (1.5 - 2 ** -12),
      ]),
    ).toEqual([1, 1 + ulp, 1 + 2 * ulp, 1 + ulp]);
    // Subnormals, multiples of 2^-24, and the carry into the first normal number.
    const tiny = 2 ** -24;
    expect(roundTrip([tiny / 2, tiny * 0.500001, tiny * 1.5, -tiny * 2.5, tiny * 1023.5])).toEqual([
      0,
      tiny,
      2 * tiny,
      -2 * tiny,
      2 ** -14,
    ]);
    // The carry into the next exponent, and into infinity.
    expect(roundTrip([2 - ulp / 4, 65519.99, 65520, -1e38, -Infinity, NaN])).toEqual([
      2,
      65504,
      Infinity,
      -Infinity,
      -Infinity,
      NaN,
    ]);
  });
});
