import type { Header, HeaderEntry } from './header';
import { parseHeader } from './header';
import { SafetensorsError } from './safetensors-error';
import type { SafetensorsTensor } from './tensor';
import { byteLengthOf, quote } from './tensor';

/** A parsed file: `metadata` is the header's `__metadata__`, `tensors` are in the order of their data. */
export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
}

/** Far above any real header (Stable Diffusion 1.5's UNet: 0.1 MB), far below what would hurt to parse. */
export const maximumHeaderBytes = 25_000_000;

/** Bytes of the header's length, an unsigned 64-bit integer. */
const lengthBytes = 8;

/**
 * Reads a whole safetensors file from memory. The tensors' `bytes` are views of `bytes`, not copies.
 *
 * Everything in the header is checked before it is used: its length, its JSON (equal keys, numbers that are no safe
 * integers, unknown fields or dtypes), each tensor's size, and that the tensors cover the data exactly, without gaps or
 * overlaps. A file that Python's reader accepts is refused only for equal keys, unknown fields, unknown dtypes or a header
 * above {@link maximumHeaderBytes}.
 *
 * @throws SafetensorsError naming what is wrong
 * @see https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  // Buffers of Node are Uint8Arrays whose slice() behaves differently: work on a plain view.
  const file = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = readHeaderLength(file, file.length);
  const headerEnd = lengthBytes + headerLength;
  const data = file.subarray(headerEnd);
  const { metadata, entries } = readHeader(file.subarray(lengthBytes, headerEnd), data.length);
  const tensors = entries.map(({ name, dtype, shape, begin, end }) => {
    return [name, { dtype, shape, bytes: data.subarray(begin, end) }] as const;
  });
  return { metadata, tensors: new Map(tensors) };
}

/** A file of which parts are read as they are needed. */
export interface SafetensorsSource {
  /** Bytes of the whole file. */
  readonly size: number;
  /** @returns the bytes from `begin` to before `end` */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** A file of which the header has been read and checked, and nothing else. */
export interface OpenSafetensors {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their data. */
  readonly tensors: ReadonlyMap<string, Pick<SafetensorsTensor, 'dtype' | 'shape'>>;
  /** Reads one tensor. @throws SafetensorsError when there is none of this name, or the file became shorter */
  read(name: string): Promise<SafetensorsTensor>;
}

/**
 * The same as {@link readSafetensors} for a file that would not fit into memory, or should not be there twice: the header is
 * read and checked at once, a tensor when it is asked for.
 *
 * @throws SafetensorsError naming what is wrong
 */
export async function openSafetensors(source: SafetensorsSource): Promise<OpenSafetensors> {
  const start = await source.read(0, Math.min(lengthBytes, source.size));
  const headerEnd = lengthBytes + readHeaderLength(start, source.size);
  const header = await source.read(lengthBytes, headerEnd);
  const { metadata, entries } = readHeader(header, source.size - headerEnd);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    metadata,
    tensors: byName,
    async read(name) {
      const entry = byName.get(name);
      if (entry === undefined) {
        throw new SafetensorsError(`There is no tensor ${quote(name)} in the file.`);
      }
      const { dtype, shape, begin, end } = entry;
      const bytes = await source.read(headerEnd + begin, headerEnd + end);
      if (bytes.length !== end - begin) {
        throw new SafetensorsError(
          `Tensor ${quote(name)} takes ${end - begin} bytes, but ${bytes.length} could be read; the file is truncated. Fetch it again.`,
        );
      }
      return { dtype, shape, bytes };
    },
  };
}

/** Parses and checks a header: `entries` are in the order of their data and cover it. */
function readHeader(bytes: Uint8Array, available: number): Header {
  const { metadata, entries } = parseHeader(decodeHeader(bytes));
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const entry of sorted) {
    checkEntry(entry, covered, available);
    covered = entry.end;
  }
  if (covered !== available) {
    throw new SafetensorsError(
      `The tensors cover ${covered} bytes, but ${available} follow the header; the file is damaged.`,
    );
  }
  return { metadata, entries: sorted };
}

/** @param start of the file @param size of the whole file */
function readHeaderLength(start: Uint8Array, size: number): number {
  if (start.length < lengthBytes) {
    throw new SafetensorsError(
      `A safetensors file has at least 8 bytes, this one has ${start.length}; it is truncated. Fetch it again.`,
    );
  }
  const length = new DataView(start.buffer, start.byteOffset, lengthBytes).getBigUint64(0, true);
  const rest = size - lengthBytes;
  if (length > BigInt(maximumHeaderBytes)) {
    throw new SafetensorsError(
      `The header claims ${length.toString()} bytes; at most ${maximumHeaderBytes} are read. ${describeForeignFile(start)}`,
    );
  }
  if (length > BigInt(rest)) {
    throw new SafetensorsError(
      `The header claims ${length.toString()} bytes, but only ${rest} follow; the file is truncated. Fetch it again.`,
    );
  }
  return Number(length);
}

/** What a file with an impossible header length most likely is. */
function describeForeignFile(file: Uint8Array): string {
  const start = String.fromCharCode(...file.subarray(0, lengthBytes));
  if (start.startsWith('PK\u0003\u0004')) {
    return 'This looks like a PyTorch checkpoint (a zip archive); convert it to safetensors first.';
  }
  if (start === 'version ') {
    return 'This looks like a Git LFS pointer; fetch the file itself with "git lfs pull".';
  }
  return 'This is probably no safetensors file.';
}

function decodeHeader(bytes: Uint8Array): string {
  try {
    // ignoreBOM keeps a byte-order mark in the text, where the parser refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SafetensorsError(
      'The header is not valid UTF-8; this is no safetensors file, or it is damaged.',
    );
  }
}

function checkEntry(entry: HeaderEntry, covered: number, available: number): void {
  const { name, dtype, shape, begin, end } = entry;
  if (begin > end) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} begins at byte ${begin}, after its end ${end}.`,
    );
  }
  if (end > available) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} ends at byte ${end}, but only ${available} bytes follow the header; the file is truncated. Fetch it again.`,
    );
  }
  if (begin !== covered) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} begins at byte ${begin}, expected ${covered}: tensors must follow one another without gaps or overlaps.`,
    );
  }
  const expected = byteLengthOf(name, dtype, shape);
  if (end - begin !== expected) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} of dtype ${dtype} and shape [${shape.join(', ')}] takes ${expected} bytes, but its data_offsets give ${end - begin}.`,
    );
  }
}
