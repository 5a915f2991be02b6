import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { SafetensorsDtype } from './dtype';
import { bytesPerElement, dtypeNames } from './dtype';
import { readSafetensors } from './read-safetensors';
import { SafetensorsError } from './safetensors-error';
import type { SafetensorsTensor } from './tensor';
import { safetensorsChunks, writeSafetensors } from './write-safetensors';

const golden = new Uint8Array(readFileSync(join(__dirname, '../fixtures/golden.safetensors')));
const byte = (value = 0): SafetensorsTensor => ({
  dtype: 'U8',
  shape: [1],
  bytes: new Uint8Array([value]),
});

/** Any tensor up to three dimensions with any bytes. */
const anyTensor: fc.Arbitrary<SafetensorsTensor> = fc
  .tuple(
    fc.constantFrom(...(dtypeNames().split(', ') as SafetensorsDtype[])),
    fc.array(fc.nat(4), { maxLength: 3 }),
    fc.infiniteStream(fc.nat(255)),
  )
  .map(([dtype, shape, stream]) => {
    const length = shape.reduce(
      (product, dimension) => product * dimension,
      bytesPerElement(dtype),
    );
    return { dtype, shape, bytes: Uint8Array.from(stream.take(length)) };
  });
const anyText = fc.string({ unit: 'binary', maxLength: 12 });
const anyName = anyText.filter((name) => name !== '__metadata__');

describe('writeSafetensors', () => {
  it('writes the bytes that Python writes, whatever the order given', () => {
    const { metadata, tensors } = readSafetensors(golden);
    expect(Buffer.compare(writeSafetensors(tensors, metadata), golden)).toBe(0);
    expect(Buffer.compare(writeSafetensors([...tensors].reverse(), metadata), golden)).toBe(0);
  });

  it('keeps everything on the way through a file', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(anyName, anyTensor), { selector: ([name]) => name, maxLength: 8 }),
        fc.dictionary(anyText, anyText, { maxKeys: 3 }),
        fc.nat(7),
        (tensors, metadata, offset) => {
          const file = writeSafetensors(tensors, metadata);
          const lazy = tensors.map(([name, t]) => [name, { ...t, bytes: () => t.bytes }] as const);
          expect(Buffer.compare(Buffer.concat([...safetensorsChunks(lazy, metadata)]), file)).toBe(
            0,
          );
          // A copy that starts at any byte: tensors are then not aligned to their elements.
          const shifted = new Uint8Array(file.length + offset).subarray(offset);
          shifted.set(file);
          const read = readSafetensors(shifted);
          expect(new Map(read.tensors)).toEqual(new Map(tensors));
          expect(new Map(Object.entries(read.metadata))).toEqual(new Map(Object.entries(metadata)));
          expect(Buffer.compare(writeSafetensors(read.tensors, read.metadata), file)).toBe(0);
        },
      ),
      { seed: 2, numRuns: 300 },
    );
  });

  it('pads the header with spaces to a multiple of 8, so that data start aligned', () => {
    const text = (file: Uint8Array) => new TextDecoder().decode(file.subarray(8));
    expect(text(writeSafetensors([]))).toBe('{}      ');
    expect(text(writeSafetensors([], {}))).toBe('{}      ');
    for (const name of ['a', 'ab', 'abc', 'abcd', 'é', '😀']) {
      const file = writeSafetensors([[name, byte()]]);
      expect((file.length - 1) % 8).toBe(0);
    }
  });

  it('keeps names that look like integers in the order of their code points', () => {
    const file = writeSafetensors([
      ['9', byte()],
      ['b', byte()],
      ['10', byte()],
    ]);
    expect([...readSafetensors(file).tensors.keys()]).toEqual(['10', '9', 'b']);
  });

  it('checks bytes that are made late when they come', () => {
    const chunks = safetensorsChunks([['a', { ...byte(), bytes: () => new Uint8Array(2) }]]);
    expect(chunks.next().value).toBeInstanceOf(Uint8Array);
    expect(() => chunks.next()).toThrow(/takes 1 bytes, but 2/);
  });

  it('writes views of larger buffers', () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    const file = writeSafetensors([['view', { dtype: 'U8', shape: [2], bytes }]]);
    expect([...file.subarray(-2)]).toEqual([2, 3]);
  });

  const refused: [what: string, write: () => Uint8Array, message: RegExp][] = [
    [
      'two equal names',
      () =>
        writeSafetensors([
          ['a', byte()],
          ['a', byte()],
        ]),
      /Two tensors are called "a"/,
    ],
    [
      'the reserved name',
      () => writeSafetensors([['__metadata__', byte()]]),
      /cannot be called __metadata__/,
    ],
    ['half a character', () => writeSafetensors([['\ud800', byte()]]), /half a Unicode character/],
    [
      'half a character in metadata',
      () => writeSafetensors([], { k: '\udc00' }),
      /half a Unicode character/,
    ],
    [
      'metadata that is no text',
      () => writeSafetensors([], { k: 1 as unknown as string }),
      /"k" must be a string/,
    ],
    [
      'bytes that do not fit',
      () => writeSafetensors([['a', { ...byte(), shape: [2] }]]),
      /takes 2 bytes, but 1/,
    ],
    [
      'a negative dimension',
      () => writeSafetensors([['a', { ...byte(), shape: [-1, -1] }]]),
      /whole number/,
    ],
    [
      'an unknown dtype',
      () => writeSafetensors([['a', { ...byte(), dtype: 'F8' as 'U8' }]]),
      /unknown dtype "F8"/,
    ],
    [
      'a header above the limit',
      () => writeSafetensors([], { k: 'x'.repeat(25_000_000) }),
      /at most 25000000/,
    ],
  ];
  it.each(refused)('refuses %s', (_what, write, message) => {
    expect(write).toThrow(SafetensorsError);
    expect(write).toThrow(message);
  });
});
