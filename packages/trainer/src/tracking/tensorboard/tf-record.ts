/** TFRecord: length, checksum of the length, contents, checksum of the contents; numbers little-endian. */
import { crc32c } from './crc32c';

/** One record, ready to be appended to a file. */
export function tfRecord(contents: Uint8Array): Uint8Array {
  const record = new Uint8Array(12 + contents.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(contents.length), true);
  view.setUint32(8, maskedCrc(record.subarray(0, 8)), true);
  record.set(contents, 12);
  view.setUint32(12 + contents.length, maskedCrc(contents), true);
  return record;
}

/** Rotated and shifted, so that a checksum over bytes that hold checksums stays a good one. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
