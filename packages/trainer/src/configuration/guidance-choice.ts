/**
 * How the guidance scale is found that suits a policy best. One that was trained at a scale is best near it, and the model that it
 * began with elsewhere, so that a comparison at one scale favours one of them.
 */
import type { TrainConfig } from './schema';

/** The scale of evaluations first, and none twice; empty where no best one is looked for. */
export function guidancesToTry({ evaluate, sampler }: TrainConfig): number[] {
  if (evaluate.guidances.length === 0) return [];
  return [...new Set([evaluate.guidance ?? sampler.guidance, ...evaluate.guidances])];
}

/** Images at each scale: half as many as an evaluation has, and an even number, for rewards that compare two images of a prompt. */
export function imagesOfChoice({ evaluate }: TrainConfig): number {
  return 2 * Math.ceil(evaluate.images / 4);
}
