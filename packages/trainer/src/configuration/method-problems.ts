/** Settings that a method cannot be trained with, of the package's own and of one's own alike. */
import type { MethodSurroundings, Objective } from '../methods/method';
import { isClipped, type ChosenMethod } from './chosen-method';
import type { TrainConfig } from './schema';

type Config = Pick<TrainConfig, 'algorithm' | 'batch' | 'sampler' | 'optimizer'>;

/** @returns a sentence for each */
export function methodProblems(config: Config, chosen: ChosenMethod): string[] {
  const { method, settings, objective } = chosen;
  const surroundings = surroundingsOf(config);
  const { k } = surroundings;
  const { name } = method;
  const { smallestGroup = 2 } = objective;
  return [
    ...(method.problems?.(settings, surroundings) ?? []),
    ...(k < smallestGroup
      ? [
          `algorithm.k is ${String(k)}, but ${name} compares the samples of a prompt with each other and needs at least ${String(smallestGroup)}`,
        ]
      : []),
    ...stepProblems(config, name, objective),
    ...dropoutProblems(config, name, objective),
    ...stormProblems(config, name, objective),
  ];
}

export function surroundingsOf({
  algorithm,
  batch,
}: Pick<Config, 'algorithm' | 'batch'>): MethodSurroundings {
  const { k, innerUpdates, clipRange, advantageClip, klInReward } = algorithm;
  return { k, images: batch.prompts * k, innerUpdates, clipRange, advantageClip, klInReward };
}

/** What needs steps with randomness, and what they were drawn by. */
function stepProblems(
  { algorithm, sampler }: Config,
  name: string,
  objective: Objective,
): string[] {
  if (objective.learnsFrom === 'trajectories') {
    return sampler.eta > 0
      ? []
      : [
          `sampler.eta is 0, but ${name} learns from the randomness of the denoise steps, and without any there is nothing to learn from; it may be above 0 and up to 1`,
        ];
  }
  const needsSteps = {
    sampleDropout: algorithm.sampleDropout !== null,
    stopDeviation: algorithm.stopDeviation !== null,
    klInReward: algorithm.klInReward > 0,
  };
  return Object.entries(needsSteps).flatMap(([key, isSet]) =>
    isSet
      ? [
          `algorithm.${key} needs the log-probabilities of the steps that drew an image, which ${name} does not keep: it learns from the images alone`,
        ]
      : [],
  );
}

function dropoutProblems({ algorithm }: Config, name: string, { pairs }: Objective): string[] {
  const { sampleDropout, stopDeviation, innerUpdates, clipRange } = algorithm;
  if (stopDeviation !== null && innerUpdates === 1) {
    return [
      'algorithm.stopDeviation never acts with algorithm.innerUpdates at 1, for every ratio is 1 at the only update',
    ];
  }
  if (sampleDropout === null) return [];
  const { delta } = sampleDropout;
  return [
    ...(pairs === true
      ? [
          `algorithm.sampleDropout leaves single rows out, but ${name} compares them in pairs; leave it out`,
        ]
      : []),
    ...(innerUpdates === 1
      ? [
          'algorithm.sampleDropout never acts with algorithm.innerUpdates at 1, for every ratio is 1 at the only update',
        ]
      : []),
    ...(typeof delta === 'number' && typeof clipRange === 'number' && delta <= clipRange
      ? [
          `algorithm.sampleDropout.delta is ${String(delta)}, no larger than algorithm.clipRange (${String(clipRange)}), so that the clip never acts; 2.5 times the clip range is usual`,
        ]
      : []),
  ];
}

/** STORM takes the difference of two gradients of the same rows, at the weights of now and of before. */
function stormProblems(
  { algorithm, optimizer }: Config,
  name: string,
  objective: Objective,
): string[] {
  const { learnsFrom, reuse, ownClip = false } = objective;
  const isStorm = optimizer.name === 'storm';
  const hasRatios = learnsFrom === 'trajectories' && reuse === 'clipped' && !ownClip;
  const problems: string[] = [];
  if (algorithm.emphasis !== 'none' && !(isStorm && hasRatios)) {
    problems.push(
      `algorithm.emphasis is ${algorithm.emphasis}, which weighs the ratios of optimizer.name=storm with loop, ppo or grpo`,
    );
  }
  if (!isStorm) return problems;
  if (isClipped(algorithm, objective)) {
    problems.push(
      `optimizer.name is storm, which takes the difference of two gradients, and the clip of ${name} would break it; ${ownClip ? 'take another method' : 'set algorithm.clipRange=none'}`,
    );
  }
  if (reuse === 'once') {
    problems.push(
      `optimizer.name is storm, which takes a gradient at earlier weights too, for which the loss of ${name} has no ratio; take loop with algorithm.clipRange=none`,
    );
  }
  if (algorithm.sampleDropout !== null) {
    problems.push(
      'optimizer.name is storm, whose two gradients algorithm.sampleDropout would take over different rows; leave it out',
    );
  }
  if (algorithm.klWeight > 0) {
    problems.push(
      `optimizer.name is storm, whose steps are as long as the norms of the policy gradient say, of which algorithm.klWeight would be a part; ${learnsFrom === 'trajectories' ? 'use algorithm.klInReward' : 'leave it out'}`,
    );
  }
  return problems;
}
