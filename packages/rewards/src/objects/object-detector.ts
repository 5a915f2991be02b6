import type { Image } from '../image';

/** Left, top, right and bottom in pixels: x to the right, y down, 0 at the picture's edge. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** One thing in a picture. */
export interface Detection {
  /** One of the detector's labels, or for an open vocabulary one of those asked for. */
  readonly label: string;
  /** How sure the detector is, in [0, 1]. */
  readonly score: number;
  readonly box: Box;
}

/** Finds things in pictures. */
export interface ObjectDetector {
  /** Changes whenever something else could be found in the same picture. */
  readonly version: string;
  /** What it can name, in the singular and in lower case; `any` for an open vocabulary. */
  readonly labels: ReadonlySet<string> | 'any';
  /** @param labels what is looked for: a detector of an open vocabulary needs to know */
  detect(image: Image, labels: readonly string[]): Promise<Detection[]>;
  /** Frees the model. */
  dispose?(): Promise<void>;
}
