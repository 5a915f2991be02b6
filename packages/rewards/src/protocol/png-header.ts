/** What stands at the start of every PNG file: the signature, and the IHDR chunk with the sizes (ISO/IEC 15948, 5.2 and 11.2.2). */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  readonly bitDepth: number;
  /** Numbers per pixel: 3 for RGB and for a palette, 1 for grey, and one more with transparency. */
  readonly channels: number;
}

/** By the colour type (11.2.2); a palette's entries are RGB. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Length (13) and type of the first chunk. */
const HEADER_CHUNK = [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52];
const START = [...SIGNATURE, ...HEADER_CHUNK];

/** @returns the header, or undefined when the bytes do not start as a PNG file does */
export function readPngHeader(bytes: Uint8Array): PngHeader | undefined {
  if (bytes.length < START.length + 13 || !START.every((byte, index) => bytes[index] === byte)) {
    return undefined;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + START.length, 13);
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    bitDepth: view.getUint8(8),
    channels: CHANNELS[view.getUint8(9)] ?? 3,
  };
}
