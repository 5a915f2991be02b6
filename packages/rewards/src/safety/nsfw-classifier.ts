import { createHash } from 'node:crypto';

import type { Tensor, Tensor3D } from '@tensorflow/tfjs-core';

import type { Image } from '../image';
import { importPeers } from '../optional-peer';
import { assertBackend } from '../tensor-backend';
import { toUint8 } from '../to-uint8';

const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', 'nsfwjs'];

/** The classes of nsfwjs's models, in their order. */
export const NSFW_CLASSES = ['drawing', 'hentai', 'neutral', 'porn', 'sexy'] as const;

/** Probability of each class; together 1. */
export type NsfwProbabilities = Readonly<Record<(typeof NSFW_CLASSES)[number], number>>;

const SIDE = 224;

/** How likely pictures are not safe for work, by MobileNetV2 of nsfwjs. */
export interface NsfwClassifier {
  /** Changes whenever the same picture could be classified differently. */
  readonly version: string;
  classify(images: readonly Image[]): Promise<NsfwProbabilities[]>;
  /** Frees the model. */
  dispose(): void;
}

/** Layers draw their initial weights, millions of random numbers, only to have them replaced: zeros will do. */
function withoutInitialisers(topology: object): object {
  const text = JSON.stringify(topology, (key, value: unknown) =>
    key.endsWith('_initializer') ? { class_name: 'Zeros', config: {} } : value,
  );
  return JSON.parse(text) as object;
}

/**
 * The MobileNetV2 that nsfwjs carries, on the TensorFlow.js backend that the caller has set.
 * Pictures are squeezed to 224 × 224 as nsfwjs does: bilinear, corners on corners.
 *
 * @throws {Error} when the libraries are not installed or no backend is set
 */
export async function nsfwClassifier(): Promise<NsfwClassifier> {
  const [tf, { loadLayersModel }, { MobileNetV2Model }] = await importPeers(
    'safety',
    PACKAGES,
    () =>
      Promise.all([
        import('@tensorflow/tfjs-core'),
        import('@tensorflow/tfjs-layers'),
        import('nsfwjs/models/mobilenet_v2'),
      ]),
  );
  await assertBackend('safety', tf);
  const { modelTopology, weightsManifest } = (await MobileNetV2Model.modelJson()).default;
  const shards = await Promise.all(
    MobileNetV2Model.weightBundles.map(async (load) =>
      Buffer.from((await load()).default, 'base64'),
    ),
  );
  const weights = Buffer.concat(shards);
  const model = await loadLayersModel({
    load: () =>
      Promise.resolve({
        modelTopology: withoutInitialisers(modelTopology),
        weightSpecs: weightsManifest.flatMap((group) => group.weights),
        weightData: new Uint8Array(weights).buffer,
      }),
  });
  const squeeze = (image: Image): Tensor3D => {
    const { width, height } = image;
    const pixels = tf.tensor3d(Float32Array.from(toUint8(image)), [height, width, 3]);
    return tf.image.resizeBilinear(tf.div<Tensor3D>(pixels, 255), [SIDE, SIDE], true);
  };
  const hash = createHash('sha256').update(JSON.stringify(modelTopology)).update(weights);
  return {
    version: `nsfwjs-mobilenet-v2:1:${hash.digest('hex').slice(0, 16)}`,
    async classify(images) {
      if (images.length === 0) return [];
      const output = tf.tidy(() => model.predict(tf.stack(images.map(squeeze))) as Tensor);
      try {
        const values = await output.data();
        return images.map((_, image) =>
          Object.fromEntries(
            NSFW_CLASSES.map((name, index) => [name, values[image * NSFW_CLASSES.length + index]!]),
          ),
        ) as NsfwProbabilities[];
      } finally {
        output.dispose();
      }
    },
    dispose: () => {
      model.dispose();
    },
  };
}

/** Probability that a picture is safe for work: neutral, or a harmless drawing. */
export function safeProbability({ neutral, drawing }: NsfwProbabilities): number {
  // Five float32 that sum to 1 may exceed it in the last digit.
  return Math.min(1, neutral + drawing);
}
