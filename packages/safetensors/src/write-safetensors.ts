import { layoutRank } from './dtype';
import { maximumHeaderBytes } from './read-safetensors';
import { SafetensorsError } from './safetensors-error';
import type { SafetensorsTensor } from './tensor';
import { byteLengthOf, quote } from './tensor';

const headerAlignment = 8;

/**
 * Lays tensors out as one safetensors file, byte for byte as Python's writer (safetensors 0.8) does: wide dtypes first,
 * names in the order of their code points, the header padded with spaces to a multiple of 8. Metadata keep the order
 * given (Python's is random with more than one key).
 *
 * @param tensors names and tensors, in any order
 * @param metadata strings for the header's `__metadata__`; diffusers expects `{ format: 'pt' }`
 * @throws SafetensorsError for equal names, the name `__metadata__`, text that is not Unicode, or bytes that do not fit the shape
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, SafetensorsTensor]>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const { header, sorted, dataLength } = layOut(tensors, metadata);
  for (const [name, tensor] of sorted) checkBytes(name, tensor, tensor.bytes);
  const file = new Uint8Array(header.length + dataLength);
  file.set(header);
  let position = header.length;
  for (const [, { bytes }] of sorted) {
    file.set(bytes, position);
    position += bytes.length;
  }
  return file;
}

/** A tensor whose bytes are made when they are written. */
export interface LazySafetensorsTensor extends Pick<SafetensorsTensor, 'dtype' | 'shape'> {
  readonly bytes: () => Uint8Array;
}

/**
 * The same file piece by piece, for models that should not be in memory as a file: the header, then each tensor's bytes.
 *
 * @throws SafetensorsError as {@link writeSafetensors} does, for wrong bytes when their turn comes
 */
export function* safetensorsChunks(
  tensors: Iterable<readonly [string, LazySafetensorsTensor]>,
  metadata?: Readonly<Record<string, string>>,
): Generator<Uint8Array, void, undefined> {
  const { header, sorted } = layOut(tensors, metadata);
  yield header;
  for (const [name, tensor] of sorted) {
    const bytes = tensor.bytes();
    checkBytes(name, tensor, bytes);
    yield bytes;
  }
}

type Described = Pick<SafetensorsTensor, 'dtype' | 'shape'>;

interface Layout<Tensor> {
  /** Everything before the data. */
  readonly header: Uint8Array;
  /** In the order of their data. */
  readonly sorted: readonly (readonly [string, Tensor])[];
  readonly dataLength: number;
}

function layOut<Tensor extends Described>(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: Readonly<Record<string, string>> | undefined,
): Layout<Tensor> {
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      layoutRank(a.dtype) - layoutRank(b.dtype) || compareCodePoints(nameA, nameB),
  );
  const members: string[] = [];
  // Python writes broken JSON for no tensors and empty metadata; leaving the empty object out is right.
  if (metadata !== undefined && (sorted.length > 0 || Object.keys(metadata).length > 0)) {
    members.push(`"__metadata__":${encodeMetadata(metadata)}`);
  }
  const seen = new Set<string>(['__metadata__']);
  let dataLength = 0;
  for (const [name, { dtype, shape }] of sorted) {
    if (seen.has(name)) {
      throw new SafetensorsError(
        name === '__metadata__'
          ? 'A tensor cannot be called __metadata__; choose another name.'
          : `Two tensors are called ${quote(name)}; names must differ.`,
      );
    }
    seen.add(name);
    const end = dataLength + byteLengthOf(name, dtype, shape);
    // Put together by hand: an object would move names that look like integers to the front.
    members.push(
      `${encodeString(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${dataLength},${end}]}`,
    );
    dataLength = end;
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const headerLength = Math.ceil(json.length / headerAlignment) * headerAlignment;
  if (headerLength > maximumHeaderBytes) {
    throw new SafetensorsError(
      `The header takes ${headerLength} bytes; readers accept at most ${maximumHeaderBytes}. Write fewer tensors or less metadata.`,
    );
  }
  const header = new Uint8Array(8 + headerLength).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerLength), true);
  header.set(json, 8);
  return { header, sorted, dataLength };
}

function checkBytes(name: string, { dtype, shape }: Described, bytes: Uint8Array): void {
  const expected = byteLengthOf(name, dtype, shape);
  if (bytes.length !== expected) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} of dtype ${dtype} and shape [${shape.join(', ')}] takes ${expected} bytes, but ${bytes.length} were given.`,
    );
  }
}

function encodeMetadata(metadata: Readonly<Record<string, string>>): string {
  const members = Object.entries(metadata).map(([key, value]: [string, unknown]) => {
    if (typeof value !== 'string') {
      throw new SafetensorsError(
        `The metadata value of ${quote(key)} must be a string, it is ${typeof value}.`,
      );
    }
    return `${encodeString(key)}:${encodeString(value)}`;
  });
  return `{${members.join(',')}}`;
}

function encodeString(text: string): string {
  if (/\p{Surrogate}/u.test(text)) {
    throw new SafetensorsError(
      `${quote(text)} holds half a Unicode character and cannot be written.`,
    );
  }
  return JSON.stringify(text);
}

/** Order of UTF-8 bytes, which is the order of code points; JavaScript's own compares UTF-16 units. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) {
      const surrogateA = unitA >= 0xd800 && unitA <= 0xdfff;
      const surrogateB = unitB >= 0xd800 && unitB <= 0xdfff;
      // Surrogates stand for code points above every single unit, including U+E000 to U+FFFF.
      return surrogateA === surrogateB ? unitA - unitB : Number(surrogateA) - Number(surrogateB);
    }
  }
  return a.length - b.length;
}
