/**
 * Federated fine-tuning (FedPepTAO, arXiv 2310.15080): clients train in turns, each on prompts of its own, and only the modules
 * that they share travel. A round is done as a whole or not at all.
 */
import { createServer, type ServerState } from '@loop-diffusion/federated-averaging';
import { createCombination } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import { clientsOfRound, iterationsAtOnce } from '../../configuration/federated-rounds';
import { createIterationSteps } from '../../learning/iteration-steps';
import { flatten, unflatten } from '../../learning/flat-weights';
import type { Policy } from '../../policy/policy';
import { mean } from '../../statistics';
import { UserError } from '../../user-error';
import { trainedWeights, withWeights } from '../../weights/trained-weights';
import { ALONE } from '../../workers/workers';
import type { Guards } from '../guards';
import { runIteration, type IterationResult } from '../iteration';
import type { PhaseClock } from '../phase-clock';
import type { Run } from '../run';
import { holdState, releaseState, restoreState, type TrainingState } from '../training-state';
import { clientsAt, type Client } from './clients';
import { moduleOf, sharedModules } from './shared-modules';

export interface Federation {
  readonly clients: readonly Client[];
  /**
   * Lets the clients of a round train, and gives the run's variables what the server makes of it. Everything else of the run is
   * as it was before.
   *
   * @param done iterations before it
   * @returns the iterations of all its clients
   * @throws what an iteration throws; nothing has changed then but the run's state, which is the caller's to restore
   */
  round(
    done: number,
    parts: { readonly clock: PhaseClock; readonly signal: AbortSignal; readonly guards: Guards },
  ): Promise<IterationResult[]>;
  /** Runs `work` with the policy of a client: the shared modules of all, the others its own. */
  withPersonal<Result>(
    client: number,
    work: (policy: Policy) => Result | Promise<Result>,
  ): Promise<Result>;
  /** What the next round depends on besides the run's state. The tensors are the federation's own. */
  state(): FederationState;
  /** Goes on from a state, whose tensors stay the caller's. @throws RangeError when it is of other clients or modules */
  restore(state: FederationState): void;
  dispose(): void;
}

export interface FederationState {
  /** Without its weights, which the run's variables are. */
  readonly server: Omit<ServerState, 'weights'>;
  /** In the order of the clients; undefined for one that has not trained yet. */
  readonly clients: readonly (ClientState | undefined)[];
}

export interface ClientState {
  readonly training: TrainingState;
  /** c_i, one for each shared number. */
  readonly control: Float32Array;
}

/** Numbers of a weight that travel: 4 bytes each, from every client and back. */
const BYTES_BOTH_WAYS = 2 * Float32Array.BYTES_PER_ELEMENT;

/**
 * @param run between rounds its variables are the global adapter: the shared modules as the server has them, the others as at
 *   the start. The rest of its state is what a client begins with.
 * @throws UserError when the configuration's layers name no module, or the run's iterations are no whole rounds
 */
export function createFederation(run: Run, clients: readonly Client[]): Federation {
  const { config, variables } = run;
  const { federated } = config;
  if (federated === null) throw new TypeError('The run is of one client alone.');
  const { localIterations, serverLearningRate, serverMomentum } = federated;
  const atOnce = iterationsAtOnce(config);
  if (config.iterations % atOnce !== 0) {
    throw new UserError(
      `The run is to have ${String(config.iterations)} iterations, but a round has ${String(atOnce)}; it must be a multiple of that`,
    );
  }
  const keys = Object.keys(trainedWeights(run.policy));
  const modules = sharedModules(federated.layers, keys);
  const isShared = keys.map((key) => modules.has(moduleOf(key)));
  const shared = variables.filter((_, index) => isShared[index]);
  const size = shared.reduce((sum, variable) => sum + variable.size, 0);
  const count = clientsOfRound(federated);
  const runs = clients.map((client) => runOfClient(run, client, atOnce / count));
  const server = createServer(numbersOf(shared), {
    sampleRate: count / clients.length,
    learningRate: serverLearningRate,
    momentum: serverMomentum,
  });
  let states: (ClientState | undefined)[] = clients.map(() => undefined);

  /** The weights that a client begins its turn with, one for each variable. @param global the run's */
  function weightsOf(client: number, global: readonly tf.Tensor[]): tf.Tensor[] {
    const own = states[client]?.training.weights ?? global;
    return global.map((weight, index) => (isShared[index] === true ? weight : own[index]!));
  }

  /** A client's iterations of a round, counted as if it took part in every one. */
  async function turn(
    client: number,
    round: number,
    { clock, signal, guards }: Parameters<Federation['round']>[1],
  ) {
    const results: IterationResult[] = [];
    for (let local = 0; local < localIterations; local += 1) {
      const iteration = round * localIterations + local;
      results.push(await runIteration(runs[client]!, clock, iteration, signal, guards));
    }
    return results;
  }

  return {
    clients,
    async round(done, parts) {
      const round = done / atOnce;
      const begin = holdState(run);
      const results: IterationResult[] = [];
      const updates: Parameters<typeof server.round>[0][number][] = [];
      const ended = new Map<number, TrainingState>();
      try {
        for (const client of clientsAt(config.seed, round, clients.length, count)) {
          const own = runs[client]!;
          const before = states[client]?.training ?? { ...begin, rewards: own.fresh };
          restoreState(own, { ...before, weights: weightsOf(client, begin.weights) });
          const iterations = await turn(client, round, parts);
          const after = holdState(own);
          ended.set(client, after);
          const rate = mean(iterations.map(({ record }) => record.learningRate));
          const steps = after.optimizer.steps - before.optimizer.steps;
          updates.push({
            samples: iterations.reduce((sum, { record }) => sum + record.images, 0),
            weights: numbersOf(shared),
            // Who has not moved has no gradient, whatever it is divided by.
            ...(rate > 0 && steps > 0
              ? { steps, learningRate: rate }
              : { steps: 1, learningRate: 1 }),
            control: states[client]?.control,
          });
          for (const { record, ...drawn } of iterations) {
            const iteration = done + results.length + 1;
            const { name } = clients[client]!;
            results.push({
              ...drawn,
              record: { ...record, iteration, client: name, round: round + 1 },
            });
          }
        }
        restoreState(run, begin);
        const { weights, controls } = server.round(updates);
        assign(shared, weights);
        states = states.map((state, client) => {
          const training = ended.get(client);
          if (training === undefined) return state;
          if (state !== undefined) releaseState(state.training);
          return { training, control: controls[[...ended.keys()].indexOf(client)]! };
        });
      } catch (error) {
        for (const state of ended.values()) releaseState(state);
        throw error;
      } finally {
        releaseState(begin);
      }
      results.at(-1)!.record.exchangedBytes = BYTES_BOTH_WAYS * size * count;
      return results;
    },
    async withPersonal(client, work) {
      return work(withWeights(run.policy, weightsOf(client, variables)));
    },
    state: () => ({ server: server.state(), clients: states }),
    restore(state) {
      for (const client of state.clients) {
        if (client !== undefined) checkState(client, variables, size);
      }
      if (state.clients.length !== clients.length) {
        throw new RangeError(
          `The state is of ${String(state.clients.length)} clients, and there are ${String(clients.length)}.`,
        );
      }
      server.restore({ ...state.server, weights: numbersOf(shared) });
      for (const own of states) if (own !== undefined) releaseState(own.training);
      states = state.clients.map((client) => client && keep(client));
    },
    dispose() {
      for (const state of states) if (state !== undefined) releaseState(state.training);
      states = clients.map(() => undefined);
    },
  };
}

/** The same model and optimizer with a client's own data; learns by itself, whoever else trains. */
function runOfClient(run: Run, { seed, prompts, rewards }: Client, share: number) {
  const { config, policy, objective } = run;
  // The schedule of the learning rate is over what one client does.
  const iterations = (config.iterations / iterationsAtOnce(config)) * share;
  const ownConfig = { ...config, seed, iterations };
  const combination = createCombination(rewards);
  return {
    ...run,
    config: ownConfig,
    steps: createIterationSteps(policy.schedule, ownConfig, objective),
    ...{ prompts, rewards, combination, workers: ALONE },
    /** What the scales of its rewards begin with. */
    fresh: combination.toJSON(),
  };
}

/** All as one vector, a copy. */
function numbersOf(tensors: readonly tf.Tensor[]): Float32Array {
  if (tensors.length === 0) return new Float32Array();
  const vector = flatten(tensors);
  const numbers = Float32Array.from(vector.dataSync<'float32'>());
  vector.dispose();
  return numbers;
}

function assign(variables: readonly tf.Variable[], numbers: Float32Array): void {
  if (variables.length === 0) return;
  tf.tidy(() => {
    const parts = unflatten(tf.tensor1d(numbers), variables);
    for (const [index, variable] of variables.entries()) variable.assign(parts[index]!);
  });
}

function checkState(
  { training, control }: ClientState,
  variables: readonly tf.Variable[],
  size: number,
): void {
  const shapes = (tensors: readonly tf.Tensor[]) => tensors.map(({ shape }) => shape).join(' | ');
  if (shapes(training.weights) !== shapes(variables)) {
    throw new RangeError('The state has weights of a client that are not those of the adapter.');
  }
  if (control.length !== size) {
    throw new RangeError(
      `The state has a control variate of ${String(control.length)} numbers, and ${String(size)} are shared.`,
    );
  }
}

function keep({ training, control }: ClientState): ClientState {
  const { tensors, ...optimizer } = training.optimizer;
  const kept = Object.entries(tensors).map(([name, tensor]) => [name, tensor.clone()] as const);
  return {
    control,
    training: {
      ...training,
      weights: training.weights.map((weight) => weight.clone()),
      optimizer: { ...optimizer, tensors: Object.fromEntries(kept) },
    },
  };
}
