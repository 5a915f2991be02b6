/** Between NHWC, which tensors have here, and NCHW, which files have. One image at a time, on the host. */

/** @param values `[height, width, channels]` → `[channels, height, width]` */
export function toChannelsFirst(
  values: Float32Array,
  [height, width, channels]: readonly [number, number, number],
): Float32Array {
  return transposed(values, height * width, channels);
}

/** @param values `[channels, height, width]` → `[height, width, channels]` */
export function toChannelsLast(
  values: Float32Array,
  [height, width, channels]: readonly [number, number, number],
): Float32Array {
  return transposed(values, channels, height * width);
}

function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      result[column * rows + row] = values[row * columns + column] ?? 0;
    }
  }
  return result;
}
