/** Settings that run, but probably do not do what was meant. */
import { METHOD_NAMES } from '../methods';
import type { Objective } from '../methods/method';
import {
  chosenMethod,
  isClipped,
  sectionOf,
  stopsRatios,
  type ChosenMethod,
} from './chosen-method';
import { surroundingsOf } from './method-problems';
import type { TrainConfig } from './schema';
import { LEARNING_RATE_OF_ALL_WEIGHTS } from './sections/weights';

/** Learning rates above are an adapter's. */
const LARGE_FOR_ALL_WEIGHTS = 5e-4;

export function configWarnings(config: TrainConfig): string[] {
  const { algorithm, sampler, evaluate } = config;
  const warnings: string[] = [];
  const { name, innerUpdates } = algorithm;
  const chosen = chosenMethod(algorithm);
  if (chosen && stopsRatios(algorithm, chosen.objective) && innerUpdates === 1) {
    warnings.push(
      `algorithm.innerUpdates is 1: every ratio is 1 at the only update, so the clip of ${name} never acts; 2 or more make it act`,
    );
  }
  if (chosen !== undefined && innerUpdates > 1 && !isHeld(config, chosen.objective)) {
    warnings.push(
      `algorithm.innerUpdates is ${String(innerUpdates)}, but ${name} has no clip${algorithm.clipRange === 'none' ? ' with algorithm.clipRange=none' : ''}: nothing holds the policy back when samples are reused`,
    );
  }
  if (chosen !== undefined) warnings.push(...idleSettings(config, chosen));
  for (const other of METHOD_NAMES) {
    if (other === name || sectionOf(algorithm, other) === undefined) continue;
    warnings.push(
      `algorithm.${other} is set, but algorithm.name is ${name}, which does not read it`,
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

/** Whether something holds a policy that moves away from the samples that it learns from. */
function isHeld({ algorithm, optimizer }: TrainConfig, objective: Objective): boolean {
  // The steps of storm are the shorter the larger gradients are, and it can have no clip.
  return (
    objective.reuse === 'bounded' || isClipped(algorithm, objective) || optimizer.name === 'storm'
  );
}

/** Settings of what a method does not do, or that ask for more than there is. */
function idleSettings(config: TrainConfig, chosen: ChosenMethod): string[] {
  const { algorithm, sampler } = config;
  const { timesteps, clipRange } = algorithm;
  const trained = timesteps.to - timesteps.from;
  const warnings = [...(chosen.method.warnings?.(chosen.settings, surroundingsOf(config)) ?? [])];
  if (clipRange !== 'auto' && chosen.objective.learnsFrom === 'images') {
    warnings.push(
      `algorithm.clipRange is ${String(clipRange)}, but ${algorithm.name} learns from the images alone, without the ratios that it is for`,
    );
  }
  if (timesteps.count !== null && timesteps.count >= trained) {
    warnings.push(
      `algorithm.timesteps.count is ${String(timesteps.count)}, but no more than ${String(trained)} steps are trained: none is left out`,
    );
  }
  if (sampler.window !== null && sampler.window.size >= trained) {
    warnings.push(
      `sampler.window.size is ${String(sampler.window.size)}, but no more than ${String(trained)} steps are trained: the window holds them all and does not move`,
    );
  }
  return warnings;
}
