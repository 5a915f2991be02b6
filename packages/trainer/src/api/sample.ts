/** Images for prompts, with exact inputs and outputs in files for those who compare with another implementation. */
import { join } from 'node:path';

import {
  createSampler,
  parseSamplerConfig,
  planDenoiseSteps,
  type NoiseSchedule,
} from '@loop-diffusion/diffusion-mdp';
import { pipelineOf, type StableDiffusion } from '@loop-diffusion/diffusion-models';
import { useBestBackend } from '@loop-diffusion/native-tensorflow';
import type { Image } from '@loop-diffusion/rewards';
import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { backendOptions } from '../configuration/backend-options';
import type { CutOffPrompts } from '../cut-off-prompts';
import { checkNewFile, checkOutputFolder } from '../files/check-output-folder';
import { readBytes } from '../files/read-bytes';
import { writeFileAtomically } from '../files/write-atomically';
import { findCutOffPrompts } from '../policy/find-cut-off-prompts';
import { decodeImages } from '../policy/decode';
import { evaluationNoise } from '../policy/draw-images';
import type { ImagesRequest, NoiseSource } from '../policy/image-batches';
import { integrateTrajectories } from '../policy/integrate';
import { latentShape, type LatentShape } from '../policy/latent-shape';
import type { Denoiser } from '../policy/policy';
import { sampleTrajectories } from '../policy/rollout';
import { disposeTexts } from '../policy/text-condition';
import { createTextSource } from '../policy/text-source';
import { createPictureScreen, type PictureScreen } from '../scoring/picture-screen';
import { UserError } from '../user-error';
import { openModel } from '../weights/open-model';
import { toChannelsFirst, toChannelsLast } from './channels-first';
import type { SampleOptions, SampleResult } from './drawing-options';
import { writeGrid, writeImages } from './sample-files';

/** Images per call of the model: what a few gigabytes hold of the largest models, and the miniature loses little by. */
const BATCH = 8;
const MAXIMUM_TENSOR_FILE_BYTES = 4 * 1024 ** 3;

/** @throws UserError when the folder holds anything, the trace is there, or something is wrong with the model or a file */
export async function sampleImages(asked: SampleOptions): Promise<SampleResult> {
  const { safety = null, backend, count = 1, out, trace } = asked;
  checkOutputFolder(out);
  if (trace !== undefined) checkNewFile(trace);
  // All prompts, and all again, so that the first image of each does not depend on how many there are.
  const prompts = Array.from({ length: count }, () => asked.prompts).flat();
  const options = { ...asked, prompts };
  // First, for the screen works on it.
  await useBestBackend({ ...backendOptions(backend, prompts.length), quiet: true });
  const screen = await createPictureScreen(safety);
  try {
    return await sampleThrough(screen, options);
  } finally {
    screen.dispose();
  }
}

async function sampleThrough(screen: PictureScreen, options: SampleOptions): Promise<SampleResult> {
  const { prompts, out, trace } = options;
  const own = await drawThrough(screen, options, 'sampling');
  // The model anew, for adapters are added to its weights.
  const base =
    options.base === true
      ? await drawThrough(
          screen,
          { ...options, lora: undefined, unet: undefined },
          'sampling the base',
        )
      : undefined;
  const result: SampleResult = {
    images: await writeImages(out, own.shown, prompts),
    base: base && (await writeImages(join(out, 'base'), base.shown, prompts)),
    grid:
      options.grid === true
        ? await writeGrid(out, { images: own.shown, base: base?.shown }, prompts)
        : undefined,
    withheld: own.withheld + (base?.withheld ?? 0),
    trace,
    cutOff: own.cutOff,
  };
  if (trace !== undefined) writeFileAtomically(trace, traceFile(own.drawn, own.shape, own.noise));
  return result;
}

interface Pictures {
  readonly drawn: Drawn;
  readonly shape: LatentShape;
  readonly noise: NoiseSource;
  readonly shown: readonly Image[];
  readonly withheld: number;
  readonly cutOff: CutOffPrompts | undefined;
}

async function drawThrough(
  screen: PictureScreen,
  options: SampleOptions,
  phase: string,
): Promise<Pictures> {
  const { prompts, steps, onProgress } = options;
  const givenLatents = await readStarts(options);
  const { model, schedule, adapter } = await openModel({
    ...options,
    rows: prompts.length,
    onLoad: (fraction) => onProgress?.('loading', fraction),
  });
  try {
    const shape = givenLatents?.shape ?? latentShape(model, options);
    checkChannels(shape, model.unet.config.inChannels, options.latents);
    const givenNoise = await readStepNoise(options, shape);
    const seeded = evaluationNoise(options.seed, shape);
    const noise: NoiseSource = (image, step) =>
      (step === 0 ? givenLatents?.rows[image] : givenNoise?.[image * steps + step - 1]) ??
      seeded(image, step);

    const draw = chooseSampler(options, model, schedule);

    const cutOff = findCutOffPrompts(model, prompts);
    const texts = createTextSource(model, shape);
    const text = texts.encode(prompts);
    const empty = texts.empty();
    model.releaseTextEncoders();
    const drawn = await draw(
      { unet: model.unet, schedule, adapter, guidance: options.guidance },
      {
        prompts: text,
        empty,
        promptOfImage: prompts.map((_, image) => image),
        latentShape: shape,
        noise,
        batch: BATCH,
        onProgress: (fraction) => onProgress?.(phase, fraction),
        signal: options.signal,
      },
    );
    disposeTexts(text, empty);
    const latents = finalLatents(drawn, shape);
    const images = decodeImages({ model, vaeTiles: options.vaeTiles }, latents, BATCH);
    latents.dispose();
    const { shown, withheld } = await screen.show(images);
    return { drawn, shape, noise, shown, withheld, cutOff };
  } finally {
    model.dispose();
  }
}

/** Images as they were drawn, before they are decoded. */
interface Drawn {
  /** `[steps]` */
  readonly timesteps: readonly number[];
  /** Of each image its latents one after the other, `[steps + 1, height, width, channels]`. */
  readonly trajectories: readonly Float32Array[];
  /** Of each image `[steps]`; a policy's alone. */
  readonly logProbs?: readonly Float32Array[];
}

/** @throws Error when the sampler cannot take so many steps, or the model's scheduler file has an option that it lacks */
function chooseSampler(
  { scheduler = 'ddim', steps, eta }: SampleOptions,
  model: StableDiffusion,
  schedule: NoiseSchedule,
): (denoiser: Denoiser, request: ImagesRequest) => Promise<Drawn> {
  if (scheduler === 'ddim') {
    const plan = planDenoiseSteps(schedule, { steps, eta });
    return async (denoiser, request) => {
      const store = await sampleTrajectories(denoiser, { ...request, plan });
      const images = request.promptOfImage.map((_, image) => image);
      return {
        timesteps: plan.map(({ timestep }) => timestep),
        trajectories: images.map((image) => store.latents(image)),
        logProbs: images.map((image) => store.logProbs(image)),
      };
    };
  }
  const config = parseSamplerConfig(model.scheduler, scheduler, pipelineOf(model));
  const sampler = createSampler(config, steps);
  return async (denoiser, request) => ({
    timesteps: sampler.steps.map(({ timestep }) => timestep),
    trajectories: await integrateTrajectories(denoiser, { ...request, sampler }),
  });
}

function finalLatents({ trajectories }: Drawn, shape: LatentShape): tf.Tensor4D {
  const size = shape[0] * shape[1] * shape[2];
  const values = new Float32Array(trajectories.length * size);
  trajectories.forEach((trajectory, image) => {
    values.set(trajectory.subarray(-size), image * size);
  });
  return tf.tensor4d(values, [trajectories.length, ...shape]);
}

interface Starts {
  readonly shape: LatentShape;
  /** One `[height, width, channels]` per image. */
  readonly rows: Float32Array[];
}

/** The file's `latents` [b, channels, height, width]. */
async function readStarts(options: SampleOptions): Promise<Starts | undefined> {
  if (options.latents === undefined) return undefined;
  const { shape, values } = await readTensor(options.latents, 'latents');
  const [count, channels, height, width] = shape;
  if (shape.length !== 4 || !channels || !height || !width || count !== options.prompts.length) {
    throw new UserError(
      `The tensor 'latents' of '${options.latents}' has shape [${shape.join(', ')}], but ${options.prompts.length} prompts ` +
        `need [${options.prompts.length}, channels, height, width].`,
    );
  }
  const latent: LatentShape = [height, width, channels];
  return { shape: latent, rows: rowsOf(values, latent) };
}

/** The file's `noise` [b, steps, channels, height, width], one row per image and step. */
async function readStepNoise(
  { noise: path, prompts, steps }: SampleOptions,
  latent: LatentShape,
): Promise<Float32Array[] | undefined> {
  if (path === undefined) return undefined;
  const [height, width, channels] = latent;
  const expected = [prompts.length, steps, channels, height, width];
  const { shape, values } = await readTensor(path, 'noise');
  if (shape.join() !== expected.join()) {
    throw new UserError(
      `The tensor 'noise' of '${path}' has shape [${shape.join(', ')}], but these prompts, steps and latents need ` +
        `[${expected.join(', ')}].`,
    );
  }
  return rowsOf(values, latent);
}

async function readTensor(
  path: string,
  name: string,
): Promise<{ shape: readonly number[]; values: Float32Array }> {
  const bytes = await readBytes(path, {
    what: `${name} file`,
    maximumBytes: MAXIMUM_TENSOR_FILE_BYTES,
  });
  const { tensors } = readSafetensors(bytes);
  const tensor = tensors.get(name);
  if (tensor === undefined) {
    throw new UserError(
      `The file '${path}' has no tensor '${name}'; it has ${[...tensors.keys()].slice(0, 8).join(', ') || 'none'}.`,
    );
  }
  return { shape: tensor.shape, values: toFloat32Array(tensor) };
}

function rowsOf(values: Float32Array, shape: LatentShape): Float32Array[] {
  const size = shape[0] * shape[1] * shape[2];
  return Array.from({ length: values.length / size }, (_, row) =>
    toChannelsLast(values.subarray(row * size, (row + 1) * size), shape),
  );
}

function checkChannels(
  [, , channels]: LatentShape,
  expected: number,
  path: string | undefined,
): void {
  if (channels === expected) return;
  throw new UserError(
    `The latents of '${path ?? ''}' have ${channels} channels, but the model's have ${expected}.`,
  );
}

/**
 * `latents` [b, steps + 1, channels, height, width] and `timesteps` [steps], as diffusers lays them out, and a policy's
 * `log_probs` [b, steps] and step `noise` [b, steps, channels, height, width].
 */
function traceFile(
  { timesteps, trajectories, logProbs }: Drawn,
  shape: LatentShape,
  noiseOf: NoiseSource,
): Uint8Array {
  const [height, width, channels] = shape;
  const [images, steps] = [trajectories.length, timesteps.length];
  const size = height * width * channels;
  const latents = new Float32Array(images * (steps + 1) * size);
  trajectories.forEach((trajectory, image) => {
    for (let point = 0; point <= steps; point += 1) {
      const latent = trajectory.subarray(point * size, (point + 1) * size);
      latents.set(toChannelsFirst(latent, shape), (image * (steps + 1) + point) * size);
    }
  });
  const noise = new Float32Array(logProbs === undefined ? 0 : images * steps * size);
  for (let row = 0; row < noise.length / size; row += 1) {
    const values = noiseOf(Math.floor(row / steps), (row % steps) + 1);
    noise.set(toChannelsFirst(values, shape), row * size);
  }
  const scored = Float32Array.from(logProbs?.flatMap((values) => [...values]) ?? []);
  return writeSafetensors([
    ['latents', float32Tensor(latents, [images, steps + 1, channels, height, width])],
    ...(logProbs
      ? [
          ['log_probs', float32Tensor(scored, [images, steps])] as const,
          ['noise', float32Tensor(noise, [images, steps, channels, height, width])] as const,
        ]
      : []),
    ['timesteps', float32Tensor(Float32Array.from(timesteps), [steps])],
  ]);
}
