import type { Image } from '../image';
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

/**
 * @param outputs names of the output to read, the first that the graph has
 */
export async function openImageEncoder(
  reward: string,
  files: ModelFiles,
  path: string,
  outputs: readonly string[],
  preprocessing: Preprocessing,
  options: OnnxOptions,
): Promise<ImageEncoder> {
  const graph = await openOnnxModel(reward, files, path, options);
  let output: string;
  try {
    output = outputNamed(graph, path, outputs);
  } catch (error) {
    await graph.dispose();
    throw error;
  }
  const encode = (images: readonly Image[]) =>
    graph.run({ pixel_values: preprocess(images, preprocessing) }, output);
  return {
    encode,
    async embed(images) {
      return rowsOf(await encode(images), images.length);
    },
    dispose: graph.dispose,
  };
}
