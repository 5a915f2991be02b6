import { join } from 'node:path';
import {
  decodeLatents,
  encodeImages,
  initializeAutoencoder,
  parseAutoencoderConfig,
  type AutoencoderConfig,
} from '@loop-diffusion/diffusion-models';
import type { Image } from '@loop-diffusion/rewards';
import { scoreScene } from '@loop-diffusion/shapes-benchmark';
import * as tf from '@tensorflow/tfjs-core';
import { autoencoderConfig, imageSide, latentChannels } from './configuration';
import { saveContactSheet } from './contact-sheet';
import {
  applyAdam,
  learningRateAt,
  lossAndGradient,
  parameterTensors,
  startParameters,
  type TensorRecord,
} from './optimizer';
import { normals, streams, uniforms, weightGenerator } from './random';
import type { Replicas } from './replicas';
import type { SceneSet } from './scenes';
import { appendLog, loadTraining, saveTraining } from './state';
import { createClock, type Clock } from './clock';

export interface AutoencoderPlan {
  readonly seed: number;
  /** Crops seen first: they carry the same 8-pixel cells as whole images at a quarter of the cost. */
  readonly cropImages: number;
  readonly wholeImages: number;
  readonly cropBatch: number;
  readonly wholeBatch: number;
  readonly learningRate: number;
  /** Of the KL divergence, a mean over latent values; larger ones empty channels. */
  readonly klWeight: number;
}

export interface Autoencoder {
  readonly config: AutoencoderConfig;
  readonly weights: TensorRecord;
}

const cropSide = 32;
const saveEverySeconds = 120;

/** Trains the autoencoder to the end of the plan, from where a former run stopped. */
export async function trainAutoencoder(
  folder: string,
  plan: AutoencoderPlan,
  scenes: SceneSet,
  replicas: Replicas,
  report: (line: string) => void,
): Promise<void> {
  const path = join(folder, 'autoencoder.safetensors');
  const log = join(folder, 'autoencoder.jsonl');
  const config = parseAutoencoderConfig(autoencoderConfig);
  const saved = loadTraining(path);
  const parameters =
    saved?.parameters ??
    startParameters(
      initializeAutoencoder(config, weightGenerator(plan.seed, streams.autoencoderWeights)),
    );
  let { step, imagesSeen } = saved?.progress ?? { step: 0, imagesSeen: 0 };
  const totalImages = plan.cropImages + plan.wholeImages;
  const clock = createClock(saved?.progress.seconds ?? 0, imagesSeen);
  let lastSave = clock.seconds();
  let lastPicture = -1;
  // Progress in work, not in images: a whole image costs four crops.
  const work = (images: number): number =>
    Math.min(images, plan.cropImages) + 4 * Math.max(0, images - plan.cropImages);

  while (imagesSeen < totalImages) {
    const crops = imagesSeen < plan.cropImages;
    const batchSize = crops ? plan.cropBatch : plan.wholeBatch;
    const images = drawBatch(
      plan.seed,
      step,
      batchSize,
      crops ? cropSide : imageSide,
      scenes,
      replicas,
    );
    const latentSize = images.size / 3 / 16;
    const noise = tf.tensor4d(
      normals(
        plan.seed,
        streams.autoencoderNoise,
        step * replicas.count + replicas.rank,
        latentSize,
      ),
      [images.shape[0], images.shape[1] / 8, images.shape[2] / 8, latentChannels],
    );
    const { loss, gradient } = lossAndGradient(parameters, (weights) =>
      autoencoderLoss({ config, weights }, images, noise, plan.klWeight),
    );
    const learningRate = learningRateAt(work(imagesSeen), {
      peak: plan.learningRate,
      totalImages: work(totalImages),
      warmupImages: 3200,
      decayShare: 0.5,
    });
    step += 1;
    applyAdam(parameters, await replicas.average(gradient), {
      learningRate,
      step,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      averageDecay: Math.min(0.99, step / (step + 10)),
    });
    imagesSeen += batchSize;
    tf.dispose([images, noise]);
    if (replicas.rank > 0) continue;
    if (step % 20 === 0) {
      appendLog(log, {
        step,
        imagesSeen,
        loss,
        learningRate,
        seconds: clock.seconds(),
        tensors: tf.memory().numTensors,
      });
      report(
        progressLine(
          'autoencoder',
          clock,
          imagesSeen,
          totalImages,
          work,
          `loss ${loss.toFixed(4)}`,
        ),
      );
    }
    const done = imagesSeen >= totalImages;
    if (done || clock.seconds() - lastSave > saveEverySeconds) {
      saveTraining(path, parameters, { step, imagesSeen, seconds: clock.seconds() });
      lastSave = clock.seconds();
    }
    const picture = Math.floor(work(imagesSeen) / 12_800);
    if (done || picture !== lastPicture) {
      lastPicture = picture;
      const weights = parameterTensors(parameters, 'average');
      const quality = measureAutoencoder({ config, weights }, scenes, done ? 256 : 64);
      tf.dispose(weights);
      appendLog(log, { step, imagesSeen, ...quality, images: undefined });
      report(
        `autoencoder: PSNR ${quality.psnr.toFixed(2)} dB, reconstructions score ${quality.score.toFixed(4)}`,
      );
      await saveContactSheet(
        join(folder, 'pictures', `autoencoder-${String(imagesSeen)}.png`),
        quality.images.slice(0, 32),
      );
    }
  }
}

/** The trained autoencoder: the running average of its weights. */
export function loadAutoencoder(folder: string): Autoencoder {
  const saved = loadTraining(join(folder, 'autoencoder.safetensors'));
  if (saved === null)
    throw new Error(`no trained autoencoder in ${folder}; run the stage "autoencoder" first`);
  return {
    config: parseAutoencoderConfig(autoencoderConfig),
    weights: parameterTensors(saved.parameters, 'average'),
  };
}

/** Squared and absolute error plus a trace of KL, on a sample of the posterior. */
function autoencoderLoss(
  model: Autoencoder,
  images: tf.Tensor4D,
  noise: tf.Tensor4D,
  klWeight: number,
): tf.Scalar {
  const { mean, logVariance } = encodeImages(model.config, model.weights, images);
  const latents = tf.add<tf.Tensor4D>(mean, tf.mul(noise, tf.exp(tf.mul(logVariance, 0.5))));
  const difference = tf.sub(decodeLatents(model.config, model.weights, latents), images);
  const error = tf.add(tf.mean(tf.square(difference)), tf.mul(tf.mean(tf.abs(difference)), 0.3));
  const divergence = tf.mul(
    tf.mean(tf.sub(tf.add(tf.square(mean), tf.exp(logVariance)), tf.add(logVariance, 1))),
    0.5 * klWeight,
  );
  return tf.add<tf.Scalar>(error, divergence);
}

/** Images in [-1, 1]; crops lie on the 8-pixel grid that textures and latents are aligned to. */
function drawBatch(
  seed: number,
  step: number,
  count: number,
  side: number,
  scenes: SceneSet,
  replicas: Replicas,
): tf.Tensor4D {
  const candidates = side === imageSide ? 1 : 2;
  const draws = uniforms(seed, streams.autoencoderBatches, step, count * (1 + 2 * candidates));
  let drawn = 0;
  const draw = (limit: number): number => Math.floor((draws[drawn++] ?? 0) * limit);
  const own = count / replicas.count;
  const values = new Float32Array(own * side * side * 3);
  const positions = (imageSide - side) / 8 + 1;
  let target = 0;
  for (let item = 0; item < count; item++) {
    const pixels = scenes.pixels(draw(scenes.count));
    let crop = { top: 8 * draw(positions), left: 8 * draw(positions) };
    if (candidates === 2) {
      // Most of a scene is plain ground: of two places take the one with more to learn from.
      const other = { top: 8 * draw(positions), left: 8 * draw(positions) };
      if (busyness(pixels, other, side) > busyness(pixels, crop, side)) crop = other;
    }
    if (item % replicas.count !== replicas.rank) continue;
    for (let row = 0; row < side; row++) {
      let source = ((crop.top + row) * imageSide + crop.left) * 3;
      for (let i = 0; i < side * 3; i++) values[target++] = (pixels[source++] ?? 0) / 127.5 - 1;
    }
  }
  return tf.tensor4d(values, [own, side, side, 3]);
}

/** How many samples of a crop, on a coarse grid, differ from the one before. */
function busyness(pixels: Uint8Array, crop: { top: number; left: number }, side: number): number {
  let changes = 0;
  for (let row = 1; row < side; row += 2) {
    let before = -1;
    for (let column = 1; column < side; column += 2) {
      const value = pixels[((crop.top + row) * imageSide + crop.left + column) * 3 + 1] ?? 0;
      if (before >= 0 && value !== before) changes += 1;
      before = value;
    }
  }
  return changes;
}

/** Whole scenes as a tensor in [-1, 1]. */
export function sceneTensor(scenes: SceneSet, first: number, count: number): tf.Tensor4D {
  const values = new Float32Array(count * imageSide * imageSide * 3);
  let target = 0;
  for (let item = 0; item < count; item++) {
    for (const byte of scenes.pixels(first + item)) values[target++] = byte / 127.5 - 1;
  }
  return tf.tensor4d(values, [count, imageSide, imageSide, 3]);
}

/** Decoder output to pictures in [0, 1]. */
export function tensorImages(decoded: tf.Tensor4D): Image[] {
  const values = tf.tidy(() =>
    tf.clipByValue(tf.add(tf.mul(decoded, 0.5), 0.5), 0, 1).dataSync<'float32'>(),
  );
  const [count, height, width] = decoded.shape;
  const size = height * width * 3;
  return Array.from({ length: count }, (_, i) => ({
    width,
    height,
    data: values.slice(i * size, (i + 1) * size),
  }));
}

/** Peak signal-to-noise ratio in dB and mean reward of the reconstructions of the first `count` scenes. */
export function measureAutoencoder(
  model: Autoencoder,
  scenes: SceneSet,
  count: number,
): { psnr: number; score: number; images: Image[] } {
  let squared = 0;
  const images: Image[] = [];
  const batch = 32;
  for (let first = 0; first < count; first += batch) {
    tf.tidy(() => {
      const originals = sceneTensor(scenes, first, batch);
      const { mean } = encodeImages(model.config, model.weights, originals);
      const output = tf.clipByValue(decodeLatents(model.config, model.weights, mean), -1, 1);
      const error =
        tf.mean(tf.square(tf.mul(tf.sub(output, originals), 0.5))).dataSync()[0] ?? Number.NaN;
      squared += (error * batch) / count;
      images.push(...tensorImages(output));
    });
  }
  const scores = images.map((image, i) => scoreScene(image, scenes.prompts[i]?.text ?? '').value);
  return {
    psnr: -10 * Math.log10(squared),
    score: scores.reduce((sum, value) => sum + value, 0) / scores.length,
    images,
  };
}

/** One line on how far a training has come and how long it will still take. */
export function progressLine(
  stage: string,
  clock: Clock,
  imagesSeen: number,
  totalImages: number,
  work: (images: number) => number,
  rest: string,
): string {
  const { perSecond, secondsLeft } = clock.rate(imagesSeen, totalImages, work);
  return `${stage}: ${String(imagesSeen)} of ${String(totalImages)} images, ${rest}, ${perSecond.toFixed(0)} images/s, ${(secondsLeft / 60).toFixed(1)} min left`;
}
