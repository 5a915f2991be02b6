import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';

interface RecordedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Just enough of the safetensors format for fixtures: float32 tensors by name. */
function readRecordedTensors(path: string): Map<string, RecordedTensor> {
  const file = readFileSync(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header).map(([name, { shape, data_offsets }]) => {
      const [begin, end] = data_offsets;
      const bytes = file.subarray(8 + headerLength + begin, 8 + headerLength + end);
      const values = Float32Array.from({ length: bytes.length / 4 }, (_, index) =>
        bytes.readFloatLE(index * 4),
      );
      return [name, { shape, values }];
    }),
  );
}

/** The recorded tensors of a fixture, and which of them a test has looked at. */
export function openRecordedTensors(path: string) {
  const recorded = readRecordedTensors(path);
  const seen = new Set<string>();
  const values = (name: string): Float32Array => {
    seen.add(name);
    return recorded.get(name)!.values;
  };
  return {
    recorded,
    seen,
    values,
    /** A recorded `[batch, channels, height, width]` tensor as `[batch, height, width, channels]`. */
    latents(name: string): tf.Tensor4D {
      const [batch, channels, height, width] = recorded.get(name)!.shape as [
        number,
        number,
        number,
        number,
      ];
      return tf.tidy(() =>
        tf.transpose(tf.tensor4d(values(name), [batch, channels, height, width]), [0, 2, 3, 1]),
      );
    },
  };
}
