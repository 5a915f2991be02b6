/** Images for prompts. */
import {
  createSampler,
  parseSamplerConfig,
  planDenoiseSteps,
  type NoiseSchedule,
} from '@loop-diffusion/diffusion-mdp';
import { pipelineOf, type StableDiffusion } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { createCompute } from '../policy/compute';
import { decodeImages } from '../policy/decode';
import { evaluationNoise } from '../policy/draw-images';
import { findCutOffPrompts } from '../prompts/find-cut-off-prompts';
import type { ImagesRequest, NoiseSource } from '../policy/image-batches';
import { integrateTrajectories } from '../policy/integrate';
import { latentShape, type LatentShape } from '../policy/latent-shape';
import type { RunningDenoiser } from '../policy/policy';
import { sampleTrajectories } from '../policy/rollout';
import { disposeTexts } from '../policy/text-condition';
import { createTextSource } from '../policy/text-source';
import { createPictureScreen, type PictureScreen } from '../scoring/picture-screen';
import { UserError } from '../user-error';
import { openModel } from '../weights/open-model';
import { shareOf, type Workers } from '../workers/workers';
import { toChannelsLast } from './channels-first';
import { checkOptions, drawSchema } from './check-options';
import {
  withDefaults,
  type DrawOptions,
  type DrawResult,
  type TensorValues,
  type WithDefaults,
} from './drawing-options';
import { traceOf, type Drawn } from './trace';
import { withWorkers } from './with-workers';

/** Images per call of the model: what a few gigabytes hold of the largest models, and the miniature loses little by. */
const BATCH = 8;

/**
 * Draws an image for each prompt.
 *
 * @throws UserError that says what is wrong with the model, the adapter or a tensor
 * @throws the signal's reason when it is aborted on the way
 */
export async function draw(options: WithDefaults<DrawOptions>): Promise<DrawResult> {
  checkOptions('draw', drawSchema, options);
  const asked = await withDefaults<DrawOptions>(options);
  const { safety = null, count = 1 } = asked;
  // All prompts, and all again, so that the first image of each does not depend on how many there are.
  const prompts = Array.from({ length: count }, () => asked.prompts).flat();
  if (asked.trace === true && (asked.cluster?.workers.length ?? 1) > 1) {
    throw new UserError('A trace is of images that one process draws: leave trace or cluster out');
  }
  // First, for the screen works on it.
  return withWorkers(asked, prompts.length, async (workers) => {
    const screen = await createPictureScreen(safety);
    try {
      return await drawThrough(screen, { ...asked, prompts }, workers);
    } finally {
      screen.dispose();
    }
  });
}

async function drawThrough(
  screen: PictureScreen,
  options: DrawOptions,
  workers: Workers,
): Promise<DrawResult> {
  const { prompts, steps, onProgress } = options;
  const { first, count } = shareOf(workers, prompts.length);
  const ownPrompts = prompts.slice(first, first + count);
  const starts = options.latents && startsOf(options.latents, prompts.length);
  const { model, schedule, adapter, dispose } = await openModel({
    ...options,
    onLoad: (fraction) => onProgress?.('loading', fraction),
  });
  const compute = createCompute();
  try {
    const shape = starts?.shape ?? latentShape(model, options);
    checkChannels(shape, model.unet.config.inChannels);
    const given = options.noise && stepNoiseOf(options.noise, prompts.length, steps, shape);
    const seeded = evaluationNoise(options.seed, shape);
    const noise: NoiseSource = (ownImage, step) => {
      const image = first + ownImage;
      const row = step === 0 ? starts?.rows[image] : given?.[image * steps + step - 1];
      return row ?? seeded(image, step);
    };

    const sample = chooseSampler(options, model, schedule);

    const cutOff = findCutOffPrompts(model, prompts);
    const texts = createTextSource(model, shape);
    // No encoder encodes nothing.
    const text = texts.encode(count > 0 ? ownPrompts : prompts.slice(0, 1));
    const empty = texts.empty();
    model.releaseTextEncoders();
    const drawn = await sample(
      { unet: model.unet, schedule, adapter, guidance: options.guidance, compute },
      {
        prompts: text,
        empty,
        promptOfImage: ownPrompts.map((_, image) => image),
        latentShape: shape,
        noise,
        batch: BATCH,
        onProgress: (fraction) => onProgress?.('sampling', fraction),
        signal: options.signal,
      },
    );
    disposeTexts(text, empty);
    const own =
      count > 0 ? decoded(drawn, shape, { model, compute, vaeTiles: options.vaeTiles }) : [];
    const screened = await workers.gather(await screen.show(own));
    const trace = options.trace === true ? traceOf(drawn, shape, noise) : undefined;
    return {
      images: screened.flatMap(({ shown }) => shown),
      withheld: screened.reduce((sum, { withheld }) => sum + withheld, 0),
      ...{ prompts, cutOff, trace },
    };
  } finally {
    compute.dispose();
    dispose();
  }
}

/** @throws Error when the sampler cannot take so many steps, or the model's scheduler file has an option that it lacks */
function chooseSampler(
  { scheduler = 'ddim', steps, eta }: DrawOptions,
  model: StableDiffusion,
  schedule: NoiseSchedule,
): (denoiser: RunningDenoiser, request: ImagesRequest) => Promise<Drawn> {
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

function decoded(drawn: Drawn, shape: LatentShape, decoder: Parameters<typeof decodeImages>[0]) {
  const latents = finalLatents(drawn, shape);
  try {
    return decodeImages(decoder, latents, BATCH);
  } finally {
    latents.dispose();
  }
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

function startsOf({ shape, values }: TensorValues, images: number): Starts {
  checkSize('latents', shape, values);
  const [count, channels, height, width] = shape;
  if (shape.length !== 4 || !channels || !height || !width || count !== images) {
    throw new UserError(
      `The latents have shape [${shape.join(', ')}], but ${images} images need [${images}, channels, height, width]`,
    );
  }
  const latent: LatentShape = [height, width, channels];
  return { shape: latent, rows: rowsOf(values, latent) };
}

/** @returns one row per image and step */
function stepNoiseOf(
  { shape, values }: TensorValues,
  images: number,
  steps: number,
  latent: LatentShape,
): Float32Array[] {
  checkSize('noise', shape, values);
  const [height, width, channels] = latent;
  const expected = [images, steps, channels, height, width];
  if (shape.join() !== expected.join()) {
    throw new UserError(
      `The noise has shape [${shape.join(', ')}], but these images, steps and latents need [${expected.join(', ')}]`,
    );
  }
  return rowsOf(values, latent);
}

function rowsOf(values: Float32Array, shape: LatentShape): Float32Array[] {
  const size = shape[0] * shape[1] * shape[2];
  return Array.from({ length: values.length / size }, (_, row) =>
    toChannelsLast(values.subarray(row * size, (row + 1) * size), shape),
  );
}

function checkSize(name: string, shape: readonly number[], values: Float32Array): void {
  const size = shape.reduce((product, length) => product * length, 1);
  if (values.length === size) return;
  throw new UserError(
    `The ${name} have ${values.length} numbers, but their shape [${shape.join(', ')}] needs ${size}`,
  );
}

function checkChannels([, , channels]: LatentShape, expected: number): void {
  if (channels === expected) return;
  throw new UserError(`The latents have ${channels} channels, but the model's have ${expected}`);
}
