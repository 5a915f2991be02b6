/**
 * Federated fine-tuning (FedPepTAO, arXiv 2310.15080): clients train in turns, each on prompts of its own, and only the modules
 * that they share travel. A round is done as a whole or not at all.
 */
import {
  createServer,
  type ClientUpdate,
  type ServerState,
} from '@loop-diffusion/federated-averaging';
import { createCombination } from '@loop-diffusion/rewards';
import * as tf from '@tensorflow/tfjs-core';

import { clientsOfRound, iterationsAtOnce } from '../../configuration/federated-rounds';
import { createIterationSteps } from '../../learning/iteration-steps';
import { unflatten } from '../../learning/flat-weights';
import type { Policy } from '../../policy/policy';
import type { IterationRecord } from '../../run-folder/records';
import { mean } from '../../statistics';
import { UserError } from '../../user-error';
import { trainedWeights, withWeights } from '../../weights/trained-weights';
import { ALONE } from '../../workers/workers';
import { createGuards } from '../guards';
import { runIteration, type IterationResult } from '../iteration';
import type { PhaseClock } from '../phase-clock';
import type { Run } from '../run';
import { holdState, releaseState, restoreState } from '../training-state';
import { assignNumbers, copyState, numbersOf, putState, type ClientState } from './client-state';
import { clientsAt, type Client } from './clients';
import { moduleOf } from './shared-modules';

export interface Federation {
  readonly clients: readonly Client[];
  /** The modules that they share, by their paths. */
  readonly modules: readonly string[];
  /**
   * Lets the clients of a round train, each on one of the run's workers, and gives the variables what the server makes of it.
   * Everything else of the run is as it was before.
   *
   * @param done iterations before it
   * @returns the iterations of all its clients; the images of those that other workers have drawn are not among them
   * @throws what an iteration throws; nothing has changed then but the run's state, which is the caller's to restore
   */
  round(done: number, clock: PhaseClock, signal: AbortSignal): Promise<IterationResult[]>;
  /** Runs `work` with the policy of a client: the shared modules of all, the others its own. */
  withPersonal(client: number, work: (policy: Policy) => Promise<void>): Promise<void>;
  /** What the next round depends on besides the run's state. */
  state(): FederationState;
  /** Goes on from a state, with the run's variables. @throws Error when it is of other clients, modules or another method */
  restore(state: FederationState): void;
}

export interface FederationState {
  /** Without its weights, which the run's variables are. */
  readonly server: Omit<ServerState, 'weights'>;
  /** In the order of the clients; undefined for one that has not trained yet. */
  readonly clients: readonly (KnownClient | undefined)[];
}

export interface KnownClient extends ClientState {
  /** c_i, one for each shared number. */
  readonly control: Float32Array;
}

interface TurnRequest {
  /** From 0. */
  readonly round: number;
  /** Of the run before it. */
  readonly begin: ClientState;
  readonly clock: PhaseClock;
  readonly signal: AbortSignal;
}

/** What a client's turn in a round has come to. */
interface Turn {
  readonly client: number;
  readonly state: ClientState;
  readonly records: readonly IterationRecord[];
  /** Optimizer steps that were taken. */
  readonly steps: number;
}

/** Of a number that travels: from every client and back. */
const BYTES_BOTH_WAYS = 2 * Float32Array.BYTES_PER_ELEMENT;

/**
 * @param run between rounds its variables are the global adapter: the shared modules as the server has them, the others as at
 *   the start. The rest of its state is what a client begins with.
 * @param modules that are shared, by their paths
 * @throws UserError when the run's iterations are no whole rounds, or its method keeps an average
 */
export function createFederation(
  run: Run,
  clients: readonly Client[],
  modules: readonly string[],
): Federation {
  const { config, variables, workers } = run;
  const { federated } = config;
  if (federated === null) throw new TypeError('The run is of one client alone.');
  if (run.average !== undefined) {
    throw new UserError(
      'The method keeps an average of the weights over successive optimizer steps, but those of a federated run are of different clients; choose another algorithm.name',
    );
  }
  const { localIterations, serverLearningRate, serverMomentum } = federated;
  const atOnce = iterationsAtOnce(config);
  if (config.iterations % atOnce !== 0) {
    throw new UserError(
      `The run is to have ${String(config.iterations)} iterations, but a round of its clients has ${String(atOnce)}; it must be a multiple of that`,
    );
  }
  const keys = Object.keys(trainedWeights(run.policy));
  const named = new Set(modules);
  const isShared = keys.map((key) => named.has(moduleOf(key)));
  const shared = variables.filter((_, index) => isShared[index]);
  const size = shared.reduce((sum, variable) => sum + variable.size, 0);
  const count = clientsOfRound(federated);
  const runs = clients.map((client) => runOfClient(run, client, atOnce / count));
  const server = createServer(numbersOf(shared), {
    sampleRate: count / clients.length,
    learningRate: serverLearningRate,
    momentum: serverMomentum,
  });
  let known: (KnownClient | undefined)[] = clients.map(() => undefined);

  /** The shared numbers among those of all variables. */
  function sharedIn(all: Float32Array): Float32Array {
    const numbers = new Float32Array(size);
    let [from, to] = [0, 0];
    for (const [index, { size: length }] of variables.entries()) {
      if (isShared[index] === true) {
        numbers.set(all.subarray(from, from + length), to);
        to += length;
      }
      from += length;
    }
    return numbers;
  }

  /** What a client begins its turn with. @param begin the run's weights, which are the global ones */
  function personalWeights(client: number, begin: Float32Array): Float32Array {
    const own = known[client]?.weights;
    if (own === undefined) return begin;
    const numbers = begin.slice();
    let from = 0;
    for (const [index, { size: length }] of variables.entries()) {
      if (isShared[index] === false) numbers.set(own.subarray(from, from + length), from);
      from += length;
    }
    return numbers;
  }

  /** A client's iterations in a round, numbered as if it took part in every one. */
  async function turn(
    client: number,
    { round, begin, clock, signal }: TurnRequest,
  ): Promise<{ turn: Turn; results: IterationResult[] }> {
    const { own, guards, scales } = runs[client]!;
    const before = known[client] ?? { ...begin, rewards: scales };
    putState(own, { ...before, weights: personalWeights(client, begin.weights) });
    const results: IterationResult[] = [];
    for (let local = 0; local < localIterations; local += 1) {
      const iteration = round * localIterations + local;
      results.push(await runIteration(own, clock, iteration, signal, guards));
    }
    const state = copyState(own);
    const steps = state.optimizer.steps - before.optimizer.steps;
    return {
      turn: { client, state, steps, records: results.map(({ record }) => record) },
      results,
    };
  }

  function updateOf({ client, state, records, steps }: Turn): ClientUpdate {
    const learningRate = mean(records.map((record) => record.learningRate));
    return {
      samples: records.reduce((sum, { images }) => sum + images, 0),
      weights: sharedIn(state.weights),
      // Who has not moved has no gradient, whatever it is divided by.
      ...(learningRate > 0 && steps > 0 ? { steps, learningRate } : { steps: 1, learningRate: 1 }),
      control: known[client]?.control,
    };
  }

  return {
    ...{ clients, modules },
    async round(done, clock, signal) {
      const round = done / atOnce;
      const begin = copyState(run);
      const held = holdState(run);
      const own: Turn[] = [];
      const drawn = new Map<number, IterationResult[]>();
      try {
        for (const client of clientsAt(config.seed, round, clients.length, count)) {
          if (client % workers.size !== workers.rank) continue;
          const ended = await turn(client, { round, begin, clock, signal });
          own.push(ended.turn);
          drawn.set(client, ended.results);
        }
        restoreState(run, held);
      } finally {
        releaseState(held);
      }
      const gathered = (await workers.gather(own)).flat();
      const turns = gathered.sort((one, other) => one.client - other.client);
      const { weights, controls } = server.round(turns.map(updateOf));
      assignNumbers(shared, weights);
      for (const [index, { client, state }] of turns.entries()) {
        known[client] = { ...state, control: controls[index]! };
      }
      const results = turns.flatMap(({ client, records }) =>
        records.map((record, local): IterationResult => {
          const { images, prompts } = drawn.get(client)?.[local] ?? { images: [], prompts: [] };
          const { name } = clients[client]!;
          return { images, prompts, record: { ...record, client: name, round: round + 1 } };
        }),
      );
      for (const [index, { record }] of results.entries()) record.iteration = done + index + 1;
      results.at(-1)!.record.exchangedBytes = BYTES_BOTH_WAYS * size * count;
      return results;
    },
    async withPersonal(client, work) {
      const vector = tf.tensor1d(personalWeights(client, numbersOf(variables)));
      const weights = tf.tidy(() => unflatten(vector, variables));
      try {
        await work(withWeights(run.policy, weights));
      } finally {
        tf.dispose([vector, ...weights]);
      }
    },
    state: () => ({ server: server.state(), clients: [...known] }),
    restore(state) {
      const total = variables.reduce((sum, variable) => sum + variable.size, 0);
      if (state.clients.length !== clients.length) {
        throw new RangeError(
          `The state is of ${String(state.clients.length)} clients, and there are ${String(clients.length)}.`,
        );
      }
      for (const each of state.clients) {
        if (each === undefined) continue;
        checkSize('weights', each.weights, total);
        checkSize('shared weights', each.control, size);
      }
      // What does not fit is told now, and not when it is the client's turn.
      const held = holdState(run);
      try {
        for (const [client, each] of state.clients.entries()) {
          if (each !== undefined) putState(runs[client]!.own, each);
        }
      } finally {
        restoreState(run, held);
        releaseState(held);
      }
      server.restore({ ...state.server, weights: numbersOf(shared) });
      known = [...state.clients];
    },
  };
}

/** The same model and optimizer with a client's own data; it learns by itself, whoever else trains. */
function runOfClient(run: Run, { seed, prompts, rewards }: Client, share: number) {
  const { config, policy, objective } = run;
  // The schedule of the learning rate is over what one client does.
  const iterations = (config.iterations / iterationsAtOnce(config)) * share;
  const ownConfig = { ...config, seed, iterations };
  const combination = createCombination(rewards);
  const own: Run = {
    ...run,
    config: ownConfig,
    steps: createIterationSteps(policy.schedule, ownConfig, objective),
    ...{ prompts, rewards, combination, workers: ALONE },
  };
  // What its scales begin with.
  return { own, guards: createGuards(config.guards), scales: combination.toJSON() };
}

function checkSize(what: string, { length }: Float32Array, expected: number): void {
  if (length === expected) return;
  throw new RangeError(
    `The state of a client is of ${String(length)} ${what}, and the run has ${String(expected)}.`,
  );
}
