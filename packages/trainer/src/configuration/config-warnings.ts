/** Settings that run, but probably do not do what was meant. */
import type { TrainConfig } from './schema';
import { isClipped } from './sections/algorithm';
import { LEARNING_RATE_OF_ALL_WEIGHTS } from './sections/weights';

/** Learning rates above are an adapter's. */
const LARGE_FOR_ALL_WEIGHTS = 5e-4;

export function configWarnings(config: TrainConfig): string[] {
  const { algorithm, sampler, evaluate } = config;
  const warnings: string[] = [];
  const clips = isClipped(algorithm.name);
  if (clips && algorithm.innerUpdates === 1) {
    warnings.push(
      `algorithm.innerUpdates is 1: every ratio is 1 at the only update, so the clip of ${algorithm.name} never acts; 2 or more make it act`,
    );
  }
  if (!clips && algorithm.innerUpdates > 1) {
    warnings.push(
      `algorithm.innerUpdates is ${String(algorithm.innerUpdates)}, but ${algorithm.name} has no clip: nothing holds the policy back when samples are reused; loop and ppo have one`,
    );
  }
  const evaluationGuidance = evaluate.guidance ?? sampler.guidance;
  if (evaluate.images > 0 && evaluationGuidance !== sampler.guidance) {
    warnings.push(
      `evaluate.guidance is ${String(evaluationGuidance)}, but training samples with ${String(sampler.guidance)}: a gain at one guidance scale often does not carry over to another`,
    );
  }
  const { learningRate } = config.optimizer;
  if (config.lora === null && learningRate > LARGE_FOR_ALL_WEIGHTS) {
    warnings.push(
      `optimizer.learningRate is ${String(learningRate)}, but lora is null: what suits an adapter destroys a model of which every weight moves so far; around ${String(LEARNING_RATE_OF_ALL_WEIGHTS)} is usual`,
    );
  }
  return warnings;
}
