import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend } from './compile/native-backend';
import { ATTRIBUTE, DTYPE } from './compile/operation';
import { nativeBackendName } from './load';

/** TensorFlow's numbers for element types that TensorFlow.js has no name for. */
const DATA_TYPES = { F16: 19, BF16: DTYPE.bfloat16 } as const;

/**
 * A float32 tensor of float16 or bfloat16 numbers, widened by TensorFlow on all cores, several times as fast as a loop in
 * JavaScript; exact, subnormal numbers included.
 *
 * @param halves row-major, little-endian
 * @returns undefined where that cannot be done: on another backend, for an odd number of numbers, or for bytes that do not begin
 *   at a multiple of 4
 */
export function widenOnDevice(
  halves: Uint8Array,
  format: 'F16' | 'BF16',
  shape: readonly number[],
): tf.Tensor | undefined {
  const { byteLength, byteOffset, buffer } = halves;
  if (tf.getBackend() !== nativeBackendName || byteLength % 4 !== 0 || byteOffset % 4 !== 0) {
    return undefined;
  }
  const backend = tf.backend() as NativeBackend & {
    readonly binding: { deleteTensor(id: number): void };
  };
  const { binding } = backend;
  const type = (name: string, value: number) => ({ name, type: ATTRIBUTE.type, value });
  return tf.tidy(() => {
    // Two numbers in each integer, which become a last axis of 2.
    const pairs = tf.tensor1d(new Int32Array(buffer, byteOffset, byteLength / 4), 'int32');
    const ids = backend.getInputTensorIds([pairs]);
    const bitcast = [type('T', DTYPE.int32), type('type', DATA_TYPES[format])];
    const [half] = binding.executeOp('Bitcast', bitcast, ids, 1);
    if (half === undefined) throw new Error('TensorFlow gave no result.');
    try {
      const cast = [
        type('SrcT', DATA_TYPES[format]),
        type('DstT', DTYPE.float32),
        { name: 'Truncate', type: ATTRIBUTE.bool, value: false },
      ];
      const [wide] = binding.executeOp('Cast', cast, [half.id], 1);
      if (wide === undefined) throw new Error('TensorFlow gave no result.');
      return tf.reshape(backend.createOutputTensor(wide), [...shape]);
    } finally {
      binding.deleteTensor(half.id);
    }
  });
}
