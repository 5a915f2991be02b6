import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { maximumHeaderBytes, openSafetensors, readSafetensors } from './read-safetensors';
import { SafetensorsError } from './safetensors-error';
import { writeSafetensors } from './write-safetensors';

/** A file from a header's text and a number of data bytes. */
function fileOf(header: string | Uint8Array, dataLength = 0, claimedLength?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + dataLength);
  new DataView(file.buffer).setBigUint64(0, claimedLength ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const sourceOf = (file: Uint8Array) => ({
  size: file.length,
  read: (begin: number, end: number) => Promise.resolve(Uint8Array.from(file.subarray(begin, end))),
});

const tensor = (shape: string, begin: number | string, end: number | string, dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

describe('readSafetensors', () => {
  it('reads tensors, scalars, empty tensors and metadata', () => {
    const header = `{"__metadata__":{"format":"pt"},"w":${tensor('[2,1]', 4, 12)},"s":${tensor('[]', 0, 4)},"e":${tensor('[0,7]', 4, 4)}}`;
    const file = fileOf(header, 12);
    file.set([1, 2, 3, 4], file.length - 12);
    const { metadata, tensors } = readSafetensors(file);
    expect({ ...metadata }).toEqual({ format: 'pt' });
    expect([...tensors.keys()]).toEqual(['s', 'e', 'w']);
    expect(tensors.get('s')).toEqual({
      dtype: 'F32',
      shape: [],
      bytes: new Uint8Array([1, 2, 3, 4]),
    });
    expect(tensors.get('e')?.bytes.length).toBe(0);
    expect(tensors.get('w')?.shape).toEqual([2, 1]);
  });

  it('reads what Python wrote', () => {
    const golden = readFileSync(join(__dirname, '../fixtures/golden.safetensors'));
    const { metadata, tensors } = readSafetensors(golden);
    expect({ ...metadata }).toEqual({ format: 'pt' });
    expect(tensors.size).toBe(20);
    expect(tensors.get('dtype.BF16')?.shape).toEqual([2, 3]);
    // The generator's second tensor (F32) starts after 48 bytes: (48 * 37 + 11) mod 251.
    expect(tensors.get('dtype.F32')?.bytes[0]).toBe(30);
    expect(tensors.get('dtype.F32')?.bytes.constructor).toBe(Uint8Array);
  });

  it('reads the header of an empty file, with space around tokens', () => {
    expect(readSafetensors(fileOf(' { \n\t} ')).tensors.size).toBe(0);
  });

  it('treats __proto__ as an ordinary name', () => {
    const header = `{"__metadata__":{"__proto__":"m"},"__proto__":${tensor('[1]', 0, 4)}}`;
    const { metadata, tensors } = readSafetensors(fileOf(header, 4));
    expect(Object.entries(metadata)).toEqual([['__proto__', 'm']]);
    expect([...tensors.keys()]).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined();
  });

  const one = tensor('[1]', 0, 4);
  const malformed: [what: string, file: Uint8Array, message: RegExp][] = [
    ['no bytes', new Uint8Array(0), /at least 8 bytes, this one has 0/],
    ['seven bytes', new Uint8Array(7), /truncated/],
    ['a header of no bytes', fileOf(''), /expected "\{".*found its end/],
    ['a header longer than the file', fileOf('{}', 0, 3n), /claims 3 bytes, but only 2 follow/],
    [
      'a header above the limit',
      fileOf('{}', 0, BigInt(maximumHeaderBytes + 1)),
      /at most 25000000/,
    ],
    ['a header of 2^64 - 1 bytes', fileOf('{}', 0, 2n ** 64n - 1n), /claims 18446744073709551615/],
    ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs'), /git lfs pull/],
    ['a zip archive', new Uint8Array([0x50, 0x4b, 3, 4, 9, 9, 9, 9, 9]), /PyTorch checkpoint/],
    ['invalid UTF-8', fileOf(new Uint8Array([0x7b, 0xff, 0x7d])), /UTF-8/],
    ['a byte-order mark', fileOf('\ufeff{}'), /expected "\{"/],
    ['an array', fileOf('[]'), /expected "\{"/],
    ['text after the object', fileOf('{}x'), /nothing but spaces/],
    ['an open object', fileOf(`{"a":${one}`, 4), /expected "\}"/],
    ['a trailing comma', fileOf(`{"a":${one},}`, 4), /expected """ in a key/],
    ['an open string', fileOf('{"a'), /the end of a key/],
    ['an open escape', fileOf('{"a\\'), /the end of a key/],
    ['a wrong escape', fileOf('{"a\\x":1}'), /valid JSON string/],
    ['a raw line break in a string', fileOf('{"a\n":1}'), /valid JSON string/],
    ['half a surrogate pair', fileOf('{"\\ud800":1}'), /whole Unicode/],
    ['a tensor twice', fileOf(`{"a":${one},"a":${one}}`, 4), /"a" occurs twice in the header/],
    ['a tensor twice, once escaped', fileOf(`{"a":${one},"\\u0061":${one}}`, 4), /occurs twice/],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), /occurs twice/],
    [
      'a metadata key twice',
      fileOf('{"__metadata__":{"k":"","k":""}}'),
      /"k" occurs twice in __metadata__/,
    ],
    ['a field twice', fileOf('{"a":{"dtype":"F32","dtype":"F32"}}'), /"dtype" occurs twice/],
    ['metadata that is a number', fileOf('{"__metadata__":{"k":1}}'), /metadata value of "k"/],
    ['metadata that is null', fileOf('{"__metadata__":null}'), /expected "\{" in __metadata__/],
    ['a tensor that is a string', fileOf('{"a":"F32"}'), /expected "\{" in tensor "a"/],
    ['an unknown field', fileOf('{"a":{"device":"x"}}'), /unknown field "device"/],
    ['a missing field', fileOf('{"a":{"dtype":"F32","shape":[1]}}', 4), /one is missing/],
    [
      'an unknown dtype',
      fileOf(`{"a":${tensor('[4]', 0, 4, 'F8_E4M3')}}`, 4),
      /dtype "F8_E4M3".*reads U64/,
    ],
    [
      'a dtype from Object.prototype',
      fileOf(`{"a":${tensor('[4]', 0, 4, 'toString')}}`, 4),
      /dtype "toString"/,
    ],
    ['one offset', fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}', 4), /it has 1/],
    [
      'three offsets',
      fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', 1),
      /it has 3/,
    ],
    [
      'a negative dimension',
      fileOf(`{"a":${tensor('[-1]', 0, 4)}}`, 4),
      /shape of tensor "a", whole numbers/,
    ],
    ['a fractional dimension', fileOf(`{"a":${tensor('[1.0]', 0, 4)}}`, 4), /expected "\]"/],
    ['an exponent', fileOf(`{"a":${tensor('[1e0]', 0, 4)}}`, 4), /expected "\]"/],
    ['a leading zero', fileOf(`{"a":${tensor('[01]', 0, 4)}}`, 4), /whole numbers/],
    [
      'a dimension above 2^53 - 1',
      fileOf(`{"a":${tensor('[9007199254740993]', 0, 4)}}`, 4),
      /whole numbers/,
    ],
    [
      'a size above 2^53 - 1',
      fileOf(`{"a":${tensor('[4294967296,4294967296]', 0, 4)}}`, 4),
      /too large/,
    ],
    [
      'an overflow hidden by a zero',
      fileOf(`{"a":${tensor('[9007199254740991,9007199254740991,0]', 0, 0)}}`),
      /too large/,
    ],
    ['offsets in reverse', fileOf(`{"a":${tensor('[1]', 4, 0)}}`, 4), /after its end/],
    ['offsets beyond the data', fileOf(`{"a":${tensor('[2]', 0, 8)}}`, 4), /only 4 bytes follow/],
    [
      'offsets above 2^53 - 1',
      fileOf(`{"a":${tensor('[1]', 0, '18446744073709551620')}}`, 4),
      /whole numbers/,
    ],
    [
      'a size that does not fit the shape',
      fileOf(`{"a":${tensor('[3]', 0, 8)}}`, 8),
      /takes 12 bytes, .* give 8/,
    ],
    ['a gap before', fileOf(`{"a":${tensor('[1]', 4, 8)}}`, 8), /begins at byte 4, expected 0/],
    [
      'a gap between',
      fileOf(`{"a":${tensor('[1]', 0, 4)},"b":${tensor('[1]', 8, 12)}}`, 12),
      /expected 4/,
    ],
    [
      'an overlap',
      fileOf(`{"a":${tensor('[2]', 0, 8)},"b":${tensor('[2]', 4, 12)}}`, 12),
      /gaps or overlaps/,
    ],
    ['two tensors on the same bytes', fileOf(`{"a":${one},"b":${one}}`, 4), /gaps or overlaps/],
    ['bytes after the last tensor', fileOf(`{"a":${one}}`, 5), /cover 4 bytes, but 5 follow/],
  ];
  it.each(malformed)('refuses %s', async (_what, file, message) => {
    expect(() => readSafetensors(file)).toThrow(SafetensorsError);
    expect(() => readSafetensors(file)).toThrow(message);
    // In parts it is the same, and nothing but the header has been read.
    await expect(openSafetensors(sourceOf(file))).rejects.toThrow(SafetensorsError);
    await expect(openSafetensors(sourceOf(file))).rejects.toThrow(message);
  });

  it('reads in parts what it reads whole', async () => {
    const golden = readFileSync(join(__dirname, '../fixtures/golden.safetensors'));
    const whole = readSafetensors(golden);
    const { metadata, tensors, read } = await openSafetensors(sourceOf(golden));
    expect({ ...metadata }).toEqual({ ...whole.metadata });
    expect([...tensors.keys()]).toEqual([...whole.tensors.keys()]);
    for (const [name, tensor] of whole.tensors) expect(await read(name)).toEqual(tensor);
    await expect(read('other')).rejects.toThrow('There is no tensor "other" in the file.');
  });

  it('notices a file that becomes shorter while it is read', async () => {
    const file = fileOf(`{"a":${one}}`, 4);
    let end = file.length;
    const { read } = await openSafetensors({
      size: file.length,
      read: (from, to) => Promise.resolve(file.slice(from, Math.min(to, end))),
    });
    end -= 2;
    await expect(read('a')).rejects.toThrow(/takes 4 bytes, but 2 could be read/);
  });

  it('refuses a truncated file at every length', () => {
    const whole = fileOf(`{"a":${one},"b":${tensor('[2]', 4, 12)}}`, 12);
    for (let length = 0; length < whole.length; length++) {
      expect(() => readSafetensors(whole.subarray(0, length))).toThrow(SafetensorsError);
    }
  });

  it('does not choke on long strings and many dimensions', () => {
    const name = 'x'.repeat(1_000_000);
    const header = `{"${name}":${tensor(`[${'1,'.repeat(100_000)}1]`, 0, 4)}}`;
    expect([...readSafetensors(fileOf(header, 4)).tensors.keys()]).toEqual([name]);
    expect(() => readSafetensors(fileOf(`{"${name}":3}`))).toThrow(/^.{0,600}$/);
  });

  it('answers any single changed byte with a whole file or a SafetensorsError', () => {
    const original = writeSafetensors(
      [
        ['a', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }],
        ['b', { dtype: 'U8', shape: [3, 1], bytes: new Uint8Array(3) }],
        ['empty', { dtype: 'F16', shape: [0], bytes: new Uint8Array(0) }],
      ],
      { format: 'pt' },
    );
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.nat(255), (position, value) => {
        const mutated = original.slice();
        mutated[position] = value;
        let covered = 0;
        try {
          for (const { bytes } of readSafetensors(mutated).tensors.values())
            covered += bytes.length;
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
          return;
        }
        expect(covered).toBe(11);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });
});
