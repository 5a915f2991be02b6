import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { io, Tensor } from '@tensorflow/tfjs-core';

import type { Image } from '../image';
import { importPeers, resolvePeer } from '../optional-peer';
import { assertBackend } from '../tensor-backend';
import { toUint8 } from '../to-uint8';
import { byScore, intersectionOverUnion } from './boxes';
import { COCO_LABELS } from './coco-labels';
import type { Detection, ObjectDetector } from './object-detector';

const PACKAGES = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-converter', '@vladmandic/human'];

const SIDE = 512;
const OUTPUT = 'tower_0/detections';

export interface CocoDetectorOptions {
  /** Detections below are left out, in [0, 1]; 0.25 when left out. */
  readonly minimumScore?: number | undefined;
  /**
   * Of two boxes of one label with an IoU above this the less certain is left out, in [0, 1]; 0.5
   * when left out.
   */
  readonly maximumIou?: number | undefined;
}

/** One thing has one name: above this IoU boxes of two labels are two names for it. */
const SAME_PLACE = 0.9;

/** Greedy non-maximum suppression, and of two names for one thing the more certain. */
function suppress(detections: readonly Detection[], maximumIou: number): Detection[] {
  const kept: Detection[] = [];
  for (const next of byScore(detections)) {
    const isHidden = ({ label, box }: Detection) =>
      intersectionOverUnion(box, next.box) > (label === next.label ? maximumIou : SAME_PLACE);
    if (!kept.some(isHidden)) kept.push(next);
  }
  return kept;
}

/** @param rows `[detections, 6]`: x0, y0, x1, y1 in pixels of 512 × 512, score, class */
function readRows(rows: Float32Array, { width, height }: Image): Detection[] {
  const detections: Detection[] = [];
  const clip = (value: number, most: number) => Math.min(Math.max((value / SIDE) * most, 0), most);
  for (let at = 0; at < rows.length; at += 6) {
    const label = COCO_LABELS[rows[at + 5]!];
    if (label === undefined) continue;
    const box = [
      clip(rows[at]!, width),
      clip(rows[at + 1]!, height),
      clip(rows[at + 2]!, width),
      clip(rows[at + 3]!, height),
    ] as const;
    detections.push({ label, score: rows[at + 4]!, box });
  }
  return detections;
}

/**
 * CenterNet on MobileNetV3 for the 80 classes of COCO, the model that `@vladmandic/human` carries
 * (4 MB), on the TensorFlow.js backend that the caller has set. It is small and fast, and misses
 * much: see how it does on your pictures before training against it.
 *
 * The whole picture is squeezed to 512 × 512, bilinear.
 *
 * @throws {Error} when the libraries are not installed or no backend is set
 */
export async function cocoDetector({
  minimumScore = 0.25,
  maximumIou = 0.5,
}: CocoDetectorOptions = {}): Promise<ObjectDetector> {
  const human = resolvePeer('coco-detector', PACKAGES, '@vladmandic/human');
  const folder = join(dirname(human), '..', 'models');
  const [tf, { loadGraphModel }] = await importPeers('coco-detector', PACKAGES, () =>
    Promise.all([import('@tensorflow/tfjs-core'), import('@tensorflow/tfjs-converter')]),
  );
  await assertBackend('coco-detector', tf);
  const [topology, weights] = await Promise.all([
    readFile(join(folder, 'centernet.json')),
    readFile(join(folder, 'centernet.bin')),
  ]);
  const { modelTopology, weightsManifest } = JSON.parse(topology.toString()) as io.ModelJSON;
  const model: GraphModel = await loadGraphModel({
    load: () =>
      Promise.resolve({
        modelTopology,
        weightSpecs: weightsManifest.flatMap((group) => group.weights),
        weightData: new Uint8Array(weights).buffer,
      }),
  });
  const hash = createHash('sha256').update(topology).update(weights).digest('hex').slice(0, 16);
  return {
    version: `centernet:1:${hash}:${minimumScore}:${maximumIou}`,
    labels: new Set(COCO_LABELS),
    async detect(image) {
      const bytes = toUint8(image);
      const output = tf.tidy(() => {
        const pixels = tf.tensor4d(Float32Array.from(bytes), [1, image.height, image.width, 3]);
        const squeezed = tf.image.resizeBilinear(pixels, [SIDE, SIDE]);
        return model.execute(squeezed, OUTPUT) as Tensor;
      });
      try {
        const detections = readRows((await output.data()) as Float32Array, image);
        const certain = detections.filter(({ score }) => score >= minimumScore);
        return suppress(certain, maximumIou);
      } finally {
        output.dispose();
      }
    },
    async dispose() {
      model.dispose();
    },
  };
}
