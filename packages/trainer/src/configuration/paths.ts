/** The keys of a configuration that name files and folders. */
import { homePath } from '../files/home-path';
import type { TrainConfig } from './schema';

/** @throws UserError for a path with a variable in it */
export function withHomePaths(config: TrainConfig): TrainConfig {
  const { evaluate, federated, lora, rewards } = config;
  return {
    ...config,
    output: homePath(config.output, 'output'),
    model: homePath(config.model, 'model'),
    prompts: homePath(config.prompts, 'prompts'),
    evaluate: { ...evaluate, prompts: homePath(evaluate.prompts, 'evaluate.prompts') },
    lora:
      lora === null
        ? null
        : { ...lora, from: lora.from === null ? null : homePath(lora.from, 'lora.from') },
    rewards: withHomeRewards(rewards, 'rewards'),
    federated: federated && {
      ...federated,
      clients: federated.clients.map((client, index) => {
        const path = `federated.clients.${String(index)}`;
        const { prompts, rewards: own } = client;
        return {
          ...client,
          ...(prompts !== undefined && { prompts: homePath(prompts, `${path}.prompts`) }),
          ...(own && { rewards: withHomeRewards(own, `${path}.rewards`) }),
        };
      }),
    },
  };
}

function withHomeRewards(rewards: TrainConfig['rewards'], path: string): TrainConfig['rewards'] {
  return rewards.map((reward, index) => ({
    ...reward,
    name: homePath(reward.name, `${path}.${String(index)}.name`),
    settings: withHome(reward.settings) as Record<string, unknown>,
  }));
}

/** Settings are the rewards' own, and what begins with `~/` among them is a path; `$` may mean anything. */
function withHome(value: unknown): unknown {
  if (typeof value === 'string')
    return value.startsWith('~/') ? homePath(value, 'settings') : value;
  if (Array.isArray(value)) return value.map(withHome);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, withHome(child)]));
}
