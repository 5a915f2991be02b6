/** The images of an iteration, and what is kept of how they were drawn. */
import {
  counterNormal,
  type DenoiseStep,
  type TrajectoryStore,
} from '@loop-diffusion/diffusion-mdp';
import type * as tf from '@tensorflow/tfjs-core';

import type { TextsOfImages } from '../learning/term';
import { STREAMS } from '../noise-streams';
import type { NoiseSource } from '../policy/image-batches';
import { collectOriginals, type Originals } from '../policy/originals';
import { sampleLatents, sampleTrajectories } from '../policy/rollout';
import { withWeights } from '../weights/trained-weights';
import type { Run } from './run';

export interface Drawn {
  readonly plan: readonly DenoiseStep[];
  /** Indices of the steps that are trained. */
  readonly trainedSteps: readonly number[];
  readonly noise: NoiseSource;
  /** Undefined for a method that learns from the images alone. */
  readonly trajectories: TrajectoryStore | undefined;
  /** The images' clean latents. */
  readonly originals: Originals;
  /** Images that join these, where the method asks for such. */
  readonly extra: ExtraImages | undefined;
}

/** A row of as many for each prompt. */
export interface ExtraImages {
  readonly originals: Originals;
  /** For each image, the row of its prompt. */
  readonly promptOfImage: readonly number[];
}

export interface IterationDraw {
  /** Counted from 0. */
  readonly iteration: number;
  /** Number, in the run, of the iteration's first prompt. */
  readonly firstPrompt: number;
  readonly texts: TextsOfImages;
  readonly onBatch: (latents: tf.Tensor4D) => Promise<void>;
  readonly onProgress: (fraction: number) => void;
  readonly signal: AbortSignal;
}

/** @throws the signal's reason when it is aborted; Error when the network's output is not finite */
export async function drawIteration(run: Run, draw: IterationDraw): Promise<Drawn> {
  return { ...(await drawImages(run, draw)), extra: await drawExtra(run, draw) };
}

async function drawImages(
  run: Run,
  { iteration, firstPrompt, texts, onBatch, onProgress, signal }: IterationDraw,
): Promise<Omit<Drawn, 'extra'>> {
  const { config, policy, objective, average } = run;
  const { latentShape } = policy;
  const { plan, trained: trainedSteps } = run.steps.at(iteration);
  const noise = rolloutNoise(run, firstPrompt);
  const request = {
    ...{ ...texts, latentShape, plan, noise, onProgress, signal },
    batch: config.batch.rollout,
  };
  if (objective.learnsFrom === 'trajectories') {
    const trajectories = await sampleTrajectories(policy, { ...request, onBatch });
    const originals: Originals = { gather: (images) => trajectories.finalLatents(images) };
    return { plan, trainedSteps, noise, trajectories, originals };
  }
  const isAverage = objective.average?.samples === true && average !== undefined;
  const originals = collectOriginals(latentShape);
  await sampleLatents(isAverage ? withWeights(policy, average.weights) : policy, {
    ...request,
    async onBatch(latents) {
      await originals.add(latents);
      await onBatch(latents);
    },
  });
  return { plan, trainedSteps, noise, trajectories: undefined, originals };
}

async function drawExtra(
  run: Run,
  { iteration, firstPrompt, texts, signal }: IterationDraw,
): Promise<ExtraImages | undefined> {
  const { config, objective, policy, base } = run;
  const extra = objective.learnsFrom === 'images' ? objective.extra : undefined;
  if (extra === undefined) return undefined;
  const { latentShape } = policy;
  const noise = noiseOf(run, firstPrompt, extra.count, STREAMS.extraSamples);
  const prompts = new Set(texts.promptOfImage).size;
  const promptOfImage = Array.from({ length: prompts * extra.count }, (_, image) =>
    Math.floor(image / extra.count),
  );
  const originals = collectOriginals(latentShape);
  if (extra.from === 'noise') {
    for (const image of promptOfImage.keys()) originals.addValues(noise(image, 0));
    return { originals, promptOfImage };
  }
  const { plan } = run.steps.at(iteration);
  await sampleLatents(base, {
    ...{ ...texts, promptOfImage, latentShape, plan, noise, signal },
    batch: config.batch.rollout,
    onBatch: (latents) => originals.add(latents),
  });
  return { originals, promptOfImage };
}

/** Each image has noise of its own, but for the first where the images of a prompt share it. */
function rolloutNoise(run: Run, firstPrompt: number): NoiseSource {
  const { algorithm, sampler } = run.config;
  const noise = noiseOf(run, firstPrompt, algorithm.k, STREAMS.rollout);
  if (!sampler.sharedNoise) return noise;
  return (image, step) => noise(step === 0 ? image - (image % algorithm.k) : image, step);
}

/** Of images of which there are `each` for every prompt. */
function noiseOf(
  { config: { seed }, policy: { latentShape } }: Run,
  firstPrompt: number,
  each: number,
  stream: number,
): NoiseSource {
  const size = latentShape[0] * latentShape[1] * latentShape[2];
  return (image, step) => {
    const prompt = firstPrompt + Math.floor(image / each);
    return counterNormal({ seed, prompt, sample: image % each, step, stream }, size);
  };
}
