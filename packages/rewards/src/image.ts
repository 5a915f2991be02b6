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
