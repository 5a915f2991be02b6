/** Settings that a federated run cannot be made of. */
import type { Objective } from '../methods/method';
import { clientsOfRound, iterationsAtOnce } from './federated-rounds';
import type { TrainConfig } from './schema';

/** @returns a sentence for each */
export function federatedProblems(
  config: Pick<TrainConfig, 'federated' | 'lora' | 'guards' | 'ema' | 'optimizer' | 'iterations'>,
  objective: Objective | undefined,
): string[] {
  const { federated, lora, guards, ema, optimizer, iterations } = config;
  if (federated === null) return [];
  const { clients, layers, personal, localIterations } = federated;
  const problems: string[] = [];
  if (lora === null) {
    problems.push(
      'federated shares the modules of an adapter, but lora is null, which trains all weights; give lora a rank',
    );
  } else if (lora.from !== null && !personal) {
    problems.push(
      'federated.personal is false, which leaves modules that are not shared out of the adapter, but lora.from has them; set personal to true',
    );
  }
  if (guards.onCollapse !== 'warn') {
    problems.push(
      `guards.onCollapse is ${guards.onCollapse}, which compares the rewards of successive iterations, but those of a federated run are of different clients; it must be warn`,
    );
  }
  if (ema !== null || hasAverage(objective)) {
    const [what, instead] =
      ema === null
        ? ['the method keeps', 'choose another algorithm.name']
        : ['ema is', 'set ema to null'];
    problems.push(
      `${what} an average of the weights over successive optimizer steps, but those of a federated run are of different clients; ${instead}`,
    );
  }
  if (optimizer.name !== 'adamw') {
    problems.push(
      `optimizer.name is ${optimizer.name}, whose steps need the weights before, but a client begins each round with those of all; it must be adamw`,
    );
  }
  if (layers === 'none' && !personal) {
    problems.push(
      'federated.layers is none and federated.personal is false, which leaves nothing to train; change one of them',
    );
  }
  for (const { name, prompts, family } of clients) {
    if ((prompts === undefined) !== (family === undefined)) continue;
    problems.push(
      `federated.clients: '${name}' has ${prompts === undefined ? 'neither prompts nor' : 'both prompts and'} a family; it must have one of them`,
    );
  }
  const atOnce = iterationsAtOnce(config);
  if (iterations % atOnce !== 0) {
    problems.push(
      `iterations is ${String(iterations)}, but a round of ${String(clientsOfRound(federated))} clients with ${String(localIterations)} iterations each has ${String(atOnce)}; it must be a multiple of that`,
    );
  }
  for (const { name, rewards = [] } of clients) {
    const names = rewards.map((reward) => reward.label ?? reward.name);
    const twice = names.find((each, index) => names.indexOf(each) !== index);
    if (twice !== undefined) {
      problems.push(
        `federated.clients: of '${name}', rewards names '${twice}' twice; give one of them another label`,
      );
    }
    if (rewards.length === 0 || rewards.some(({ weight }) => weight !== 0)) continue;
    problems.push(
      `federated.clients: of '${name}', rewards have only weights of 0, which leaves nothing to learn`,
    );
  }
  return problems;
}

function hasAverage(objective: Objective | undefined): boolean {
  return objective?.learnsFrom === 'images' && objective.average !== undefined;
}
