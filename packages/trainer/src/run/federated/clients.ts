/** Who trains in a federated run, and on what. */
import { counterUniform } from '@loop-diffusion/diffusion-mdp';
import type { Reward } from '@loop-diffusion/rewards';

import type { TrainConfig } from '../../configuration/schema';
import { STREAMS } from '../../noise-streams';
import { shuffled, type TaggedPrompt } from '../../prompts/prompt-order';
import { readPromptFile } from '../../prompts/read-prompt-file';
import { createRewards, disposeRewards, type WeightedReward } from '../../scoring/rewards';
import { UserError } from '../../user-error';
import type { Workers } from '../../workers/workers';
import type { Owned } from '../owned';

type Federated = NonNullable<TrainConfig['federated']>;

/** A client's data, which the others have no part of. */
export interface ClientPrompts {
  readonly name: string;
  readonly prompts: readonly TaggedPrompt[];
  /** Of its own evaluation, repeated where there are fewer than it has images. */
  readonly heldOut: readonly TaggedPrompt[];
}

export interface Client extends ClientPrompts {
  readonly seed: number;
  readonly rewards: readonly WeightedReward[];
}

/**
 * @param training the run's prompts, of which families are taken
 * @param evaluation those that the run evaluates
 * @throws UserError when a file cannot be read, or a family has no prompts of one of both
 */
export async function readClientPrompts(
  { clients }: Federated,
  training: readonly TaggedPrompt[],
  evaluation: readonly TaggedPrompt[],
): Promise<ClientPrompts[]> {
  return Promise.all(
    clients.map(async ({ name, prompts, family }) => {
      if (prompts !== undefined) {
        const texts = await readPromptFile(prompts);
        return { name, prompts: texts.map((text) => ({ text })), heldOut: evaluation };
      }
      const own = training.filter((prompt) => prompt.family === family);
      const heldOut = evaluation.filter((prompt) => prompt.family === family);
      if (own.length === 0) throw withoutPrompts(name, family, training, 'prompts of the run');
      if (heldOut.length === 0 && evaluation.length > 0) {
        throw withoutPrompts(name, family, evaluation, 'prompts that the run evaluates');
      }
      return { name, prompts: own, heldOut };
    }),
  );
}

function withoutPrompts(
  name: string,
  family: string | undefined,
  prompts: readonly TaggedPrompt[],
  which: string,
): UserError {
  const families = [...new Set(prompts.flatMap((prompt) => prompt.family ?? []))];
  const known =
    families.length === 0 ? 'they have no families' : `there are ${families.join(', ')}`;
  return new UserError(
    `The client '${name}' has the family '${family ?? ''}', but none of the ${which} is of it; ${known}`,
  );
}

interface Opening {
  /** The run's. */
  readonly rewards: readonly WeightedReward[];
  /** Rewards by the names that a configuration has for them. */
  readonly given: ReadonlyMap<string, Reward> | undefined;
  readonly workers: Workers;
  /** Frees what is opened. */
  readonly owned: Owned;
}

/**
 * Gives each client its seed and its rewards, which are the run's where it names none.
 *
 * @throws what `createRewards` throws
 */
export async function openClients(
  { federated, seed }: Pick<TrainConfig, 'federated' | 'seed'>,
  prompts: readonly ClientPrompts[],
  { rewards, given, workers, owned }: Opening,
): Promise<Client[]> {
  const clients: Client[] = [];
  for (const [index, own] of prompts.entries()) {
    const named = federated?.clients[index]?.rewards;
    const opened = named && (await createRewards(named, given, workers));
    // What the processes of a reward still hold is no reason to lose the run.
    if (opened) owned.add(() => disposeRewards(opened).catch(() => undefined));
    clients.push({ ...own, seed: seedOfClient(seed, index), rewards: opened ?? rewards });
  }
  return clients;
}

/** The first has the run's own, so that a run of one client is the plain one. */
export function seedOfClient(seed: number, index: number): number {
  if (index === 0) return seed;
  const key = { seed, prompt: index, sample: 0, step: 0, stream: STREAMS.clientSeeds };
  // A draw has 24 bits, and a seed 32.
  const [high = 0, low = 0] = [...counterUniform(key, 2)].map((draw) => Math.floor(draw * 2 ** 16));
  return high * 2 ** 16 + low;
}

/**
 * The clients of a round: a function of the seed and the round alone, so that nothing need be saved.
 *
 * @param round from 0
 * @param count of them, at most `clients`
 * @returns indices in ascending order
 */
export function clientsAt(seed: number, round: number, clients: number, count: number): number[] {
  const key = { seed, prompt: round, sample: 0, step: 0, stream: STREAMS.clients };
  return shuffled(clients, key)
    .slice(0, count)
    .sort((one, other) => one - other);
}
