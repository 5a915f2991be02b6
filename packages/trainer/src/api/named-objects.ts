/** Objects in a configuration: a file can only name them, so each gets a name that says where it came from. */
import { rewardFromFunction, type Reward } from '@loop-diffusion/rewards';

import { FROM_CODE, isFromCode } from '../configuration/from-code';
import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig, TrainSettings } from '../configuration/schema';
import { asMethod } from '../methods/as-method';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { GivenObjects } from '../run/given';
import { UserError } from '../user-error';
import type { MethodOption, PromptsOption, RewardOption, TrainOptions } from './options';

/** The part of the options that a configuration holds. */
type NamedOptions = Omit<
  TrainOptions,
  'signal' | 'resume' | 'onIteration' | 'onEvaluation' | 'sinks'
>;

/**
 * The configuration that options mean, and the objects that it names.
 *
 * @param defaults of what is left out, before those of the embedded model
 * @throws UserError that names what is wrong
 */
export function nameObjects(
  options: NamedOptions,
  defaults?: TrainSettings,
): { config: TrainConfig; given: GivenObjects } {
  const { prompts, rewards, evaluate, algorithm, ...settings } = options;
  const objects = new Map<string, Reward>();
  const training = namePrompts(prompts);
  const heldOut = namePrompts(evaluate?.prompts);
  const method = nameMethod(algorithm?.name);
  const input = {
    ...settings,
    ...(training.name !== undefined && { prompts: training.name }),
    ...(rewards && { rewards: rewards.map((reward, index) => nameReward(reward, index, objects)) }),
    ...(algorithm && { algorithm: { ...algorithm, name: method.name } }),
    ...(evaluate && {
      evaluate: { ...evaluate, ...(heldOut.name !== undefined && { prompts: heldOut.name }) },
    }),
  };
  const config = resolveConfig(input, [], defaults);
  return {
    config,
    given: {
      ...{ rewards: objects, prompts: training.list, heldOut: heldOut.list },
      method: method.object,
    },
  };
}

/**
 * @throws UserError when the configuration names objects that only the code which began the run has
 */
export function refuseObjectsFromCode(config: TrainConfig): void {
  const { prompts, evaluate, rewards, algorithm } = config;
  const names = [prompts, evaluate.prompts, algorithm.name, ...rewards.map(({ name }) => name)];
  const found = [...new Set(names.filter(isFromCode))];
  if (found.length === 0) return;
  throw new UserError(
    `The run was begun from code, which gave it ${found.join(' and ')}; go on with it from there, with train({ …, resume: true })`,
  );
}

/** Prompts with a place for their family, for those who look for one. */
export function taggedPrompts(prompts: readonly (string | TaggedPrompt)[]): TaggedPrompt[] {
  return prompts.map((prompt) => (typeof prompt === 'string' ? { text: prompt } : prompt));
}

function namePrompts(prompts: PromptsOption | undefined): {
  name: string | undefined;
  list: readonly TaggedPrompt[] | undefined;
} {
  if (prompts === undefined || typeof prompts === 'string')
    return { name: prompts, list: undefined };
  const list = taggedPrompts(prompts);
  return { name: `${FROM_CODE}${list.length} prompts`, list };
}

function nameMethod(method: string | MethodOption | undefined): {
  name: string | undefined;
  object: MethodOption | undefined;
} {
  if (method === undefined || typeof method === 'string')
    return { name: method, object: undefined };
  const object = asMethod(method, 'algorithm.name');
  return { name: `${FROM_CODE}${object.name}`, object };
}

function nameReward(
  option: RewardOption,
  index: number,
  objects: Map<string, Reward>,
): Record<string, unknown> {
  if (typeof option === 'string') return { name: option };
  if (typeof option === 'function') return nameReward({ reward: option }, index, objects);
  if ('score' in option) return nameReward({ reward: option }, index, objects);
  if (!('reward' in option)) return { ...option };
  const { reward: given, ...part } = option;
  const reward = typeof given === 'function' ? rewardFromFunction(given) : given;
  const name = `${FROM_CODE}${objects.has(`${FROM_CODE}${reward.name}`) ? `${reward.name}-${index}` : reward.name}`;
  objects.set(name, reward);
  return { label: reward.name, ...part, name };
}
