import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { toUint8 } from './to-uint8';

function convert(values: readonly number[]): number[] {
  const padded = [...values, 0, 0].slice(0, Math.ceil(values.length / 3) * 3);
  const data = Float32Array.from(padded);
  const bytes = toUint8({ width: data.length / 3, height: 1, data });
  return [...bytes.subarray(0, values.length)];
}

describe('toUint8', () => {
  it('rounds as NumPy does, halves to the even byte', () => {
    const fixture = JSON.parse(
      readFileSync(join(__dirname, 'fixtures', 'rounding.json'), 'utf8'),
    ) as { float32Bits: number[]; bytes: number[] };
    const values = new Float32Array(Uint32Array.from(fixture.float32Bits).buffer);
    expect(convert([...values])).toEqual(fixture.bytes);
  });

  it('returns every byte from its float', () => {
    const bytes = Array.from({ length: 255 }, (_, byte) => byte);
    expect(convert(bytes.map((byte) => byte / 255))).toEqual(bytes);
  });

  it('clamps what lies outside [0, 1]', () => {
    expect(convert([-0.1, 1.1, 1e9, -1e9, 0, 1])).toEqual([0, 255, 255, 0, 0, 255]);
  });

  it('hands bytes through', () => {
    const data = Uint8Array.of(1, 2, 3);
    expect(toUint8({ width: 1, height: 1, data })).toBe(data);
  });

  it('refuses what is no picture', () => {
    expect(() => convert([0, NaN, 0])).toThrow('value at index 1 is NaN');
    const data = new Float32Array(16);
    expect(() => toUint8({ width: 2, height: 2, data })).toThrow('16 values; expected 2×2×3 = 12');
    expect(() => toUint8({ width: 0, height: 2, data })).toThrow('its size is 0×2');
  });
});
