/** Images as they travel between a client and a reward server: PNG in base64. */
import type { Image } from '../image';
import { loadSharp } from '../load-sharp';
import { toUint8 } from '../to-uint8';
import { type PngHeader, readPngHeader } from './png-header';

/**
 * An image for the wire, lossless in its bytes: float32 values become bytes by {@link toUint8}, so that a reward behind a
 * server sees bytes even where the client has floats.
 *
 * Not compressed: of a drawn picture that would save a sixth to a half, and take both sides five times as long as the rest.
 *
 * @throws {RangeError} when the image has a wrong length or non-finite values
 */
export async function encodeWireImage(image: Image): Promise<string> {
  const { width, height } = image;
  const rgb = toUint8(image);
  const sharp = await loadSharp();
  const png = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toBuffer();
  return png.toString('base64');
}

/** A PNG that has come in and is not unpacked yet. */
export interface WirePicture extends PngHeader {
  readonly bytes: Uint8Array;
}

/** Looks at the head of what came in, without unpacking anything. @returns a text that says what is wrong, or the file */
export function openWireImage(text: string): WirePicture | string {
  const bytes = decodeBase64(text);
  if (bytes === undefined) return 'it is not base64 (without a data: prefix or line breaks)';
  const header = readPngHeader(bytes);
  if (header === undefined) return 'it is not a PNG file';
  const { width, height, bitDepth } = header;
  if (width < 1 || height < 1) return `its size is ${width}×${height}`;
  if (bitDepth > 8)
    return `it has ${bitDepth} bits per channel; expected 8, which is what scores are made from`;
  return { ...header, bytes };
}

/**
 * Unpacks a PNG; what is transparent is dropped, grey and palette become RGB, colour profiles are ignored: the bytes are
 * those in the file.
 * @throws {Error} when it is damaged
 */
export async function decodeWireImage({ bytes, width, height }: WirePicture): Promise<Image> {
  const sharp = await loadSharp();
  const { data, info } = await sharp(bytes, {
    limitInputPixels: width * height,
    failOn: 'warning',
    ignoreIcc: true,
  })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** Node skips what is no base64; then there are fewer bytes than there should be. */
function decodeBase64(text: string): Uint8Array | undefined {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = Buffer.from(text, 'base64');
  return text.length % 4 === 0 && bytes.length === (text.length / 4) * 3 - padding
    ? bytes
    : undefined;
}
