import { narrowToFloat16, widenBfloat16, widenFloat16 } from './half-precision';
import { SafetensorsError } from './safetensors-error';
import type { SafetensorsTensor } from './tensor';
import { byteLengthOf } from './tensor';

/**
 * The tensor's elements as float32, row-major, in a new array. F32, F16, BF16, BOOL and integers of up to 16 bits are exact;
 * F64 and wider integers are rounded to the nearest float32.
 * @throws SafetensorsError when the bytes do not fit dtype and shape
 */
export function toFloat32Array(tensor: SafetensorsTensor): Float32Array {
  const { dtype, shape, bytes } = tensor;
  const expected = byteLengthOf('(unnamed)', dtype, shape);
  if (bytes.length !== expected) {
    throw new SafetensorsError(
      `A tensor of dtype ${dtype} and shape [${shape.join(', ')}] takes ${expected} bytes, this one has ${bytes.length}.`,
    );
  }
  // The bytes may start anywhere in their file, a typed array only at multiples of its element's size: copy. Halves are most
  // of what is converted, and are copied only where they must be.
  if (dtype === 'F16' && bytes.byteOffset % 2 === 0) {
    return widenFloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2));
  }
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return new Float32Array(new Float64Array(buffer));
    case 'F16':
      return widenFloat16(new Uint16Array(buffer));
    case 'BF16':
      return widenBfloat16(new Uint16Array(buffer));
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case 'I32':
      return new Float32Array(new Int32Array(buffer));
    case 'U32':
      return new Float32Array(new Uint32Array(buffer));
    case 'I16':
      return new Float32Array(new Int16Array(buffer));
    case 'U16':
      return new Float32Array(new Uint16Array(buffer));
    case 'I8':
      return new Float32Array(new Int8Array(buffer));
    case 'U8':
      return new Float32Array(new Uint8Array(buffer));
    case 'BOOL':
      return Float32Array.from(new Uint8Array(buffer), (value) => (value === 0 ? 0 : 1));
  }
}

/**
 * A float32 tensor; copies `values`.
 * @throws SafetensorsError when their number is not the product of `shape`
 */
export function float32Tensor(values: Float32Array, shape: readonly number[]): SafetensorsTensor {
  checkCount(values, shape);
  return {
    dtype: 'F32',
    shape: [...shape],
    bytes: new Uint8Array(new Float32Array(values).buffer),
  };
}

/**
 * A float16 tensor: each value to the nearest, ties to even. Values beyond ±65 504 become infinite, as with NumPy.
 * @throws SafetensorsError when the number of values is not the product of `shape`
 */
export function float16Tensor(values: Float32Array, shape: readonly number[]): SafetensorsTensor {
  checkCount(values, shape);
  return { dtype: 'F16', shape: [...shape], bytes: new Uint8Array(narrowToFloat16(values).buffer) };
}

function checkCount(values: Float32Array, shape: readonly number[]): void {
  const count = byteLengthOf('(unnamed)', 'F32', shape) / Float32Array.BYTES_PER_ELEMENT;
  if (values.length !== count) {
    throw new SafetensorsError(
      `The shape [${shape.join(', ')}] holds ${count} values, but ${values.length} were given.`,
    );
  }
}
