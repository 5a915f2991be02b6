import type { SafetensorsDtype } from './dtype';
import { bytesPerElement, dtypeNames, isSafetensorsDtype } from './dtype';
import { SafetensorsError } from './safetensors-error';

/** One tensor: `bytes` holds its elements row-major and little-endian, `shape` of length 0 is a scalar. */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * Bytes that a tensor of this type and shape takes.
 * @throws SafetensorsError when a dimension is no count or the product passes 2^53 − 1
 */
export function byteLengthOf(
  name: string,
  dtype: SafetensorsDtype,
  shape: readonly number[],
): number {
  if (!isSafetensorsDtype(dtype)) {
    throw new SafetensorsError(
      `Tensor ${quote(name)} has the unknown dtype ${quote(String(dtype))}; known are ${dtypeNames()}.`,
    );
  }
  let length = bytesPerElement(dtype);
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new SafetensorsError(
        `Tensor ${quote(name)} has the shape [${shape.join(', ')}]; every dimension must be a whole number from 0 to 2^53 - 1.`,
      );
    }
    length *= dimension;
    if (!Number.isSafeInteger(length)) {
      throw new SafetensorsError(
        `Tensor ${quote(name)} with the shape [${shape.join(', ')}] is too large: its size in bytes passes 2^53 - 1.`,
      );
    }
  }
  return length;
}

/** A name for an error message: quoted, escaped and cut, since names come from files that nobody vouches for. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
