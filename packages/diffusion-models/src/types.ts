import type * as tf from '@tensorflow/tfjs-core';

/**
 * A model's weights under the keys of its diffusers checkpoint. Convolution kernels are stored
 * `[height, width, in, out]`; everything else has the file's shape (a linear weight is `[out, in]`).
 */
export type Weights = Readonly<Record<string, tf.Tensor>>;

/** What a low-rank adapter changes: y = W x + b + (alpha / rank) · up(down(x)). */
export interface LoraConfig {
  /** Of the modules; in an adapter from a file some may have less. */
  readonly rank: number;
  readonly alpha: number;
  /** Suffixes of the adapted modules' paths: `to_q`, `to_out.0`, `ff.net.0.proj`, `conv1`. */
  readonly targets: readonly string[];
}

/** A low-rank adapter of a UNet (Hu et al. 2022, LoRA, arXiv:2106.09685). */
export interface LoraAdapter {
  readonly config: LoraConfig;
  /**
   * `<path>.lora.down.weight` and `<path>.lora.up.weight`, float32: `[rank, in]` and `[out, rank]` of a linear layer,
   * `[height, width, in, rank]` and `[1, 1, rank, out]` of a convolution.
   */
  readonly weights: Record<string, tf.Tensor>;
}

/** What every layer is called with: where to find its weights, and the adapter if there is one. */
export interface ModelParameters {
  readonly weights: Weights;
  readonly lora?: LoraAdapter | undefined;
  readonly observe?: LayerObserver | undefined;
}

/**
 * Told what each linear layer and convolution gives, by its path: `[rows, out]` or `[batch, height, width, out]`, freed after
 * the call.
 */
export type LayerObserver = (path: string, output: tf.Tensor) => void;

/** Draws random numbers; a plain interface, so that the caller brings the generator. */
export interface RandomSource {
  /** `count` standard normals. */
  normal(count: number): Float32Array;
  /** `count` uniforms in [0, 1). */
  uniform(count: number): Float32Array;
}

/** Where the files of a model come from: a folder, an archive, a server. */
export interface FileReader {
  /** For error messages. */
  readonly name: string;
  read(path: string): Promise<Uint8Array>;
  exists(path: string): Promise<boolean>;
  /**
   * Opens a file to read parts of it. Without this method weights are read as whole files, which takes the largest one's size
   * in memory besides the model's.
   */
  open?(path: string): Promise<OpenFile>;
}

/** A file that is open for reading. */
export interface OpenFile {
  /** Bytes. */
  readonly size: number;
  /** @returns the bytes from `begin` to before `end`, fewer where the file ends */
  read(begin: number, end: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
