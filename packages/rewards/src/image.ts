/**
 * An RGB picture as it travels between packages: row-major, `[height, width, 3]`, either float32
 * in [0, 1] or uint8 in [0, 255]. No tensor type, so that a reward needs no tensor library.
 */
export interface Image {
  readonly width: number;
  readonly height: number;
  /** `width * height * 3` values. Float32 values are in [0, 1], uint8 values in [0, 255]. */
  readonly data: Float32Array | Uint8Array;
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** Says what is wrong with an image, or nothing when it can be scored. */
export function imageProblem({ width, height, data }: Image): string | undefined {
  if (!isSize(width) || !isSize(height)) {
    return `its size is ${width}×${height}; expected whole numbers of at least 1`;
  }
  const expected = width * height * 3;
  if (data.length !== expected) {
    return (
      `it has ${data.length} values; expected ${height}×${width}×3 = ${expected} ` +
      `(RGB, row-major, no alpha)`
    );
  }
  if (data instanceof Uint8Array) return undefined;
  for (let index = 0; index < data.length; index++) {
    const value = data[index] ?? 0;
    if (!Number.isFinite(value)) return `its value at index ${index} is ${value}`;
  }
  return undefined;
}

/** @throws {RangeError} when the image's sizes, length or values make no picture */
export function assertImage(image: Image): void {
  const problem = imageProblem(image);
  if (problem !== undefined) throw new RangeError(`The image cannot be used: ${problem}.`);
}
