import { readFileSync } from 'node:fs';

export interface RecordedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Just enough of the safetensors format for fixtures: float32 tensors by name. */
export function readRecordedTensors(path: string): Map<string, RecordedTensor> {
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
