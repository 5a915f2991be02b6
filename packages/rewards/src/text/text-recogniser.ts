import type { Image } from '../image';

/** A place in a picture, in pixels: x to the right, y down, 0 at the picture's edge. */
export type Point = readonly [x: number, y: number];

/** Four corners, clockwise from the top left as the text is read. */
export type Quadrilateral = readonly [Point, Point, Point, Point];

/** One line of text in a picture. */
export interface TextLine {
  readonly text: string;
  /** How sure the recogniser is, in [0, 1]. */
  readonly score: number;
  readonly corners: Quadrilateral;
}

/** Reads the text in pictures. */
export interface TextRecogniser {
  /** Changes whenever the same picture could be read differently. */
  readonly version: string;
  /** @returns the lines in reading order; none where there is no text */
  read(image: Image): Promise<TextLine[]>;
  /** Frees the models. */
  dispose?(): Promise<void>;
}
