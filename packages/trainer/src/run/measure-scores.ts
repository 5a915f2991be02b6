/** Score vectors of a policy that stays as it is: the gradient of every image's log-probability, beside its reward. */
import type * as tf from '@tensorflow/tfjs-core';

import { klInRewards } from '../learning/kl-in-rewards';
import { sumOf } from '../learning/minibatch-gradient';
import { checkOnPolicy } from '../learning/on-policy-check';
import { trajectoryTerm } from '../learning/trajectory-term';
import type { TrajectoryObjective } from '../methods/method';
import { nextTurn } from '../next-turn';
import { decodeImages } from '../policy/decode';
import { disposeTexts } from '../policy/text-condition';
import { promptsAt } from '../prompts/prompt-order';
import { createScoring } from '../scoring/scoring';
import { UserError } from '../user-error';
import { drawIteration } from './draw-iteration';
import { createGuards } from './guards';
import type { Run } from './run';

export interface ScoresRequest {
  readonly prompts: number;
  /** Of each prompt. */
  readonly images: number;
  readonly seed: number;
  /** Whose denoise steps are taken, counted from 0. */
  readonly iteration: number;
  /** Number of the first prompt in the run's order. */
  readonly firstPrompt: number;
  /**
   * Weights of a prompt's images, `[directions, images]`: combinations of score vectors that are compared between prompts.
   *
   * @param prompt its number among those that are measured
   */
  readonly directionsOf: (rewards: readonly number[], prompt: number) => readonly number[][];
  readonly directions: number;
  readonly onProgress: (fraction: number) => void;
  readonly signal: AbortSignal;
}

export interface PromptScores {
  readonly prompt: string;
  /** `[images]` */
  readonly rewards: readonly number[];
  /** Products of the score vectors, `[images, images]` in rows. */
  readonly gram: Float64Array;
}

export interface MeasuredRun {
  readonly prompts: readonly PromptScores[];
  /** Of each direction: products of the prompts' vectors, `[prompts, prompts]` in rows. */
  readonly products: readonly Float64Array[];
  /** Prompts that were left out, for an image of theirs has no reward. */
  readonly leftOut: number;
  /** Numbers in a score vector. */
  readonly weights: number;
  /** Denoise steps that a log-probability is a mean over. */
  readonly steps: number;
}

/** Of the vectors and products that are kept in the host's memory. */
const MAXIMUM_BYTES = 4 * 1024 ** 3;
/** Of the time that a prompt takes. */
const DRAWING = 0.25;

/**
 * Draws and scores images as an iteration does, with noise that no iteration has seen, and takes the gradient of the log-probability
 * of each, a mean over the trained steps and the latent's numbers as the method's loss has it.
 *
 * @param run of a method that learns from trajectories by −A log p_θ
 * @throws UserError when the vectors would not fit into memory, rewards fail, or fewer than two prompts are left; the
 *   signal's reason when it is aborted
 */
export async function measureScores(run: Run, request: ScoresRequest): Promise<MeasuredRun> {
  const { prompts: count, images, seed, onProgress } = request;
  const weights = run.variables.reduce((sum, { size }) => sum + size, 0);
  const bytes = weights * 4 * (images + count * request.directions) + count * images ** 2 * 8;
  if (bytes > MAXIMUM_BYTES) {
    throw new UserError(
      `The gradients of ${count} prompts would take ${Math.ceil(bytes / 1024 ** 3)} GiB; measure fewer prompts or images`,
    );
  }
  const { config } = run;
  const drawing: Run = {
    ...run,
    config: { ...config, seed, algorithm: { ...config.algorithm, k: images } },
  };
  // A scale that follows rewards is for every prompt as it was.
  const scales = run.combination.toJSON();
  const atOnce = Math.max(1, Math.floor(config.batch.rollout / images));
  const measured: PromptScores[] = [];
  const vectors: Float32Array[][] = Array.from({ length: request.directions }, () => []);
  for (let first = 0; first < count; first += atOnce) {
    run.combination.restore(scales);
    const group = {
      first: request.firstPrompt + first,
      count: Math.min(atOnce, count - first),
    };
    const watch = (fraction: number): void => {
      onProgress((first + fraction * group.count) / count);
    };
    const drawn = await drawPrompts(drawing, group, request, (fraction) => {
      watch(DRAWING * fraction);
    });
    try {
      for (const [index, rewards] of drawn.rewards.entries()) {
        if (!rewards.every(Number.isFinite)) continue;
        const own = await scoreVectors(drawing, drawn, index, request, (fraction) => {
          watch(DRAWING + ((1 - DRAWING) * (index + fraction)) / group.count);
        });
        for (const [direction, combination] of request
          .directionsOf(rewards, measured.length)
          .entries()) {
          vectors[direction]?.push(combine(own, combination));
        }
        measured.push({ prompt: drawn.prompts[index] ?? '', rewards, gram: productsOf(own) });
      }
    } finally {
      drawn.dispose();
    }
  }
  if (measured.length < 2) {
    throw new UserError(
      `Only ${measured.length} of ${count} prompts have a reward for every image, and at least 2 are compared; look at the rewards, or measure more prompts`,
    );
  }
  const products: Float64Array[] = [];
  for (const direction of vectors) {
    await nextTurn(request.signal);
    products.push(productsOf(direction));
  }
  return {
    ...{ prompts: measured, products, leftOut: count - measured.length, weights },
    steps: run.steps.at(request.iteration).trained.length,
  };
}

type DrawnPrompts = Awaited<ReturnType<typeof drawPrompts>>;

async function drawPrompts(
  run: Run,
  { first: firstPrompt, count }: { readonly first: number; readonly count: number },
  { iteration, images: each, signal }: ScoresRequest,
  onProgress: (fraction: number) => void,
) {
  const { config, policy, empty } = run;
  const prompts = promptsAt(run.prompts, config.seed, firstPrompt, count).map(({ text }) => text);
  const promptOfImage = prompts.flatMap((_, prompt) => new Array<number>(each).fill(prompt));
  const text = policy.texts.encode(prompts);
  const texts = { prompts: text, empty, promptOfImage };
  const scoring = createScoring(run.rewards, run.combination, signal);
  try {
    let seen = 0;
    const onBatch = async (latents: tf.Tensor4D): Promise<void> => {
      const images = decodeImages(policy, latents, config.batch.rollout);
      const groups = promptOfImage.slice(seen, seen + images.length);
      seen += images.length;
      scoring.add({ images, groups, prompts: groups.map((prompt) => prompts[prompt] ?? '') });
    };
    const drawn = await drawIteration(run, {
      ...{ iteration, firstPrompt, texts, onBatch, onProgress, signal },
    });
    const scores = await scoring.finish();
    createGuards(config.guards).checkScores(scores);
    const { klInReward } = config.algorithm;
    const penalties =
      klInReward === 0 ? undefined : await klInRewards(run, { ...drawn, ...texts, signal });
    const rewards = scores.absolute.map(
      (reward, image) => reward - klInReward * (penalties?.[image] ?? 0),
    );
    return {
      ...{ prompts, texts, trainedSteps: drawn.trainedSteps, trajectories: drawn.trajectories },
      rewards: prompts.map((_, prompt) => rewards.slice(prompt * each, (prompt + 1) * each)),
      dispose() {
        drawn.trajectories?.clear();
        disposeTexts(text);
      },
    };
  } catch (error) {
    disposeTexts(text);
    throw error;
  } finally {
    scoring.end();
  }
}

/** Of the images of one prompt; their sign is that of the loss, which no product has. */
async function scoreVectors(
  run: Run,
  { trajectories, trainedSteps, texts }: DrawnPrompts,
  prompt: number,
  { images: each, signal }: ScoresRequest,
  onProgress: (fraction: number) => void,
): Promise<Float32Array[]> {
  if (trajectories === undefined) throw new TypeError('There are no steps to take gradients of.');
  const term = trajectoryTerm({
    ...{ ...texts, trajectories, trainedSteps, context: run.lossContext },
    objective: run.objective as TrajectoryObjective,
    advantages: texts.promptOfImage.map(() => 1),
    // The steps of one image are a whole chunk, so that none is filled up.
    batch: Math.min(run.config.batch.update, trainedSteps.length),
    sampleDropout: undefined,
    klWeight: 0,
  });
  const vectors: Float32Array[] = [];
  for (let image = prompt * each; image < (prompt + 1) * each; image += 1) {
    const part = {
      prepare: () => undefined,
      rows: trainedSteps.length,
      ...term.partOf([image], 0),
    };
    const watch = { signal, onChunk: () => undefined };
    const { gradient, pairs } = await sumOf([part], run.policy, watch);
    if (gradient === undefined) throw new Error('An image has no gradient.');
    try {
      checkOnPolicy(pairs, run.clipRange);
      vectors.push(await gradient.data<'float32'>());
    } finally {
      gradient.dispose();
    }
    onProgress(vectors.length / each);
  }
  return vectors;
}

/** In float64: differences of products are what counts. */
function productsOf(vectors: readonly Float32Array[]): Float64Array {
  const count = vectors.length;
  const products = new Float64Array(count * count);
  for (const [row, vector] of vectors.entries()) {
    for (let column = 0; column <= row; column += 1) {
      const other = vectors[column]!;
      let product = 0;
      for (let index = 0; index < vector.length; index += 1) {
        product += vector[index]! * other[index]!;
      }
      products[row * count + column] = product;
      products[column * count + row] = product;
    }
  }
  return products;
}

function combine(vectors: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  for (const [index, vector] of vectors.entries()) {
    const weight = weights[index] ?? 0;
    for (let entry = 0; entry < vector.length; entry += 1) sum[entry]! += weight * vector[entry]!;
  }
  return Float32Array.from(sum);
}
