import type { Image } from '../image';
import { openTogether } from '../open-together';
import type { ModelFiles } from './model-files';
import { type Floats, openOnnxModel, type OnnxOptions, outputNamed, rowsOf } from './onnx-model';
import { preprocess, type Preprocessing } from './preprocess';

/** A graph from pixels to an embedding. */
export interface ImageEncoder {
  /** @returns `[batch, …]` */
  readonly encode: (images: readonly Image[]) => Promise<Floats>;
  /** @returns an embedding per image */
  readonly embed: (images: readonly Image[]) => Promise<Float32Array[]>;
  readonly dispose: () => Promise<void>;
}

/** Which graph, and how pictures are prepared for it. */
export interface ImageEncoderParts {
  readonly files: ModelFiles;
  /** Of the graph in the model's folder. */
  readonly path: string;
  /** Names of the output to read, the first that the graph has. */
  readonly outputs: readonly string[];
  readonly preprocessing: Preprocessing;
}

/** @throws {Error} in one sentence when a library or a file is missing or not as expected */
export async function openImageEncoder(
  reward: string,
  { files, path, outputs, preprocessing }: ImageEncoderParts,
  options: OnnxOptions,
): Promise<ImageEncoder> {
  return openTogether(async (keep) => {
    const graph = keep(await openOnnxModel(reward, files, path, options));
    const output = outputNamed(graph, path, outputs);
    const encode = (images: readonly Image[]) =>
      graph.run({ pixel_values: preprocess(images, preprocessing) }, output);
    return {
      encode,
      async embed(images) {
        return rowsOf(await encode(images), images.length);
      },
      dispose: graph.dispose,
    };
  });
}
