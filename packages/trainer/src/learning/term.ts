/** A part of an update's loss, cut into chunks that fit into memory. */
import type { TrajectoryRow } from '@loop-diffusion/diffusion-mdp';

import type { Needs } from '../methods/method';
import type { Denoiser, RunningDenoiser } from '../policy/policy';
import { gatherTexts, type EncodedText, type TextCondition } from '../policy/text-condition';
import type { RowGradient } from './row-gradient';

export interface Term {
  /**
   * Looks at a minibatch before its gradient is taken, where rows are weighed by what the others are.
   *
   * @param policy with the weights that the gradient will be taken in
   * @throws the signal's reason when it is aborted
   */
  prepare?(
    policy: RunningDenoiser,
    images: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<void>;
  /**
   * What these images add to the loss.
   *
   * @param images of a minibatch, those that stay together side by side
   * @param epoch which time it is that the iteration's images are learnt from, counted from 0
   */
  partOf(images: readonly number[], epoch: number): TermPart;
}

export interface TermPart {
  /** How many the mean is over, those among them that cost nothing. */
  readonly inMean: number;
  readonly chunks: readonly Chunk[];
}

export interface Chunk {
  /** Rows that count. */
  readonly rows: number;
  /**
   * @param policy with the weights that the gradient is taken in
   * @param inMean how many images the mean is over, those of other processes among them
   * @param everyRow whether rows count that the loss would leave out
   * @throws what a method's loss throws; Error when it is not one number for each row, or for each pair
   */
  gradient(policy: RunningDenoiser, inMean: number, everyRow?: boolean): ChunkResult;
}

export interface ChunkResult extends RowGradient {
  /** Rows that count. */
  readonly rows: number;
  /** What the rows of a loss of trajectories are; padding comes after them. */
  readonly trajectoryRows?: readonly TrajectoryRow[] | undefined;
  /** Of them, and of the padding after them, as `logProb`. */
  readonly oldLogProb?: Float32Array | undefined;
}

/** The texts of an iteration's images. */
export interface TextsOfImages {
  /** The distinct prompts, a row each, and for each image its row. */
  readonly prompts: EncodedText;
  readonly promptOfImage: readonly number[];
  /** The empty prompt, one row. */
  readonly empty: EncodedText;
}

/** What rows of these images are conditioned on. */
export function conditioningOf(
  { prompts, promptOfImage, empty }: TextsOfImages,
  images: readonly number[],
): { prompts: TextCondition; empty: EncodedText } {
  return {
    prompts: gatherTexts(
      prompts,
      images.map((image) => promptOfImage[image] ?? 0),
    ),
    empty,
  };
}

/**
 * What an objective asks of its rows.
 *
 * @returns how many rows stay together, whether those without an advantage are learnt from, and the base model where the loss or a
 *   divergence compares with it
 * @throws TypeError when there is no base model to compare with
 */
export function rulesOf({ objective, klWeight, base }: RulesSource): {
  readonly unit: number;
  readonly needsZero: boolean;
  readonly base: Denoiser | undefined;
} {
  const isCompared = objective.base === true || klWeight > 0;
  if (isCompared && base === undefined) {
    throw new TypeError('A loss that compares with the base model needs the base model.');
  }
  return {
    unit: objective.pairs === true ? 2 : 1,
    needsZero: objective.zeroAdvantages === true || klWeight > 0,
    base: isCompared && base ? denoiserOf(base) : undefined,
  };
}

interface RulesSource {
  readonly objective: Pick<Needs, 'pairs' | 'base' | 'zeroAdvantages'>;
  readonly klWeight: number;
  readonly base?: Denoiser | undefined;
}

/** Alone, without what else a policy holds: a compiled function is given every tensor of its arguments. */
export function denoiserOf({
  unet,
  schedule,
  adapter,
  guidance,
  gradientCheckpointing,
}: Denoiser): Denoiser {
  return { unet, schedule, adapter, guidance, gradientCheckpointing };
}

/** Cuts rows into chunks of at most `batch`, units whole. */
export function cutIntoChunks<Row>(rows: readonly Row[], batch: number, unit: number): Row[][] {
  const size = largestChunk(batch, unit);
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, chunk) =>
    rows.slice(chunk * size, (chunk + 1) * size),
  );
}

/**
 * The rows, and after them such as do not count that fill a chunk up to a quarter of a whole one: images that teach nothing are
 * left out, so that chunks would come in every size, and each size would be compiled.
 */
export function filledUp<Row>(rows: readonly Row[], batch: number, unit: number): Row[] {
  const quarter = Math.max(unit, Math.floor(batch / 4 / unit) * unit);
  const length = Math.min(Math.ceil(rows.length / quarter) * quarter, largestChunk(batch, unit));
  const padding = rows.slice(0, unit);
  return Array.from({ length }, (_, index) => rows[index] ?? (padding[index % unit] as Row));
}

function largestChunk(batch: number, unit: number): number {
  return Math.max(unit, batch - (batch % unit));
}

/** 1 for each row that counts, 0 for what fills up. */
export function maskOf(rows: number, length: number): number[] {
  return Array.from({ length }, (_, index) => (index < rows ? 1 : 0));
}
