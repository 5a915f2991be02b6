/** What a checkpoint of a federated run holds besides the global adapter: the server's memory, and every client's state. */
import { z } from 'zod';

import type { CheckpointFiles } from '../../run-folder/checkpoint-folder';
import {
  fileOf,
  jsonFile,
  parseJsonFile,
  parseVectorsFile,
  scalesSchema,
  vectorsFile,
} from '../checkpoint-files';
import type { Federation, KnownClient } from './federation';

const STATE = 'federation.json';
const SERVER = 'server.safetensors';
const fileOfClient = (index: number): string => `client_${String(index)}.safetensors`;

const clientSchema = z.object({
  name: z.string(),
  /** Null for one that has not trained yet. */
  state: z
    .object({
      optimizerSteps: z.int().nonnegative(),
      optimizerNumbers: z.record(z.string(), z.number()),
      /** What a method remembers that compares with earlier rewards; it looks at it itself. */
      advantages: z.json(),
      rewards: scalesSchema,
      klWeight: z.number().nullable(),
    })
    .nullable(),
});

const stateSchema = z.object({
  /** Of the server, as the last round has left it. */
  learningRate: z.number().nonnegative(),
  /** That are shared, in the order of their scores where they were chosen by these. */
  modules: z.array(z.string()),
  /** In the order of the configuration. */
  clients: z.array(clientSchema),
});

/** Before the names of an optimizer's vectors. */
const OPTIMIZER = 'optimizer.';

export function federationFiles(federation: Federation): CheckpointFiles {
  const { server, clients } = federation.state();
  const contents: z.input<typeof stateSchema> = {
    learningRate: server.learningRate,
    modules: [...federation.modules],
    clients: clients.map((client, index) => ({
      name: federation.clients[index]!.name,
      state: client === undefined ? null : numbersOf(client),
    })),
  };
  const { control, momentum, lastChange } = server;
  return {
    [STATE]: jsonFile(contents),
    [SERVER]: vectorsFile({ control, momentum, ...(lastChange && { last_change: lastChange }) }),
    ...Object.fromEntries(
      clients.flatMap((client, index) =>
        client === undefined ? [] : [[fileOfClient(index), vectorsOf(client)]],
      ),
    ),
  };
}

function numbersOf({ optimizer, advantages, rewards, klWeight }: KnownClient) {
  return {
    optimizerSteps: optimizer.steps,
    optimizerNumbers: { ...optimizer.numbers },
    advantages: advantages as z.core.util.JSONType,
    rewards: [...rewards],
    klWeight,
  };
}

function vectorsOf({ weights, control, optimizer }: KnownClient): Uint8Array {
  const ofOptimizer = Object.entries(optimizer.tensors).map(
    ([name, numbers]) => [OPTIMIZER + name, numbers] as const,
  );
  return vectorsFile({ weights, control, ...Object.fromEntries(ofOptimizer) });
}

/**
 * To be called when the run's variables are the checkpoint's.
 *
 * @throws Error when a file is missing or damaged, or of other clients or modules
 */
export function restoreFederation(federation: Federation, files: CheckpointFiles): void {
  const { learningRate, modules, clients } = stateSchema.parse(parseJsonFile(fileOf(files, STATE)));
  const names = clients.map(({ name }) => name).join(', ');
  const expected = federation.clients.map(({ name }) => name).join(', ');
  if (names !== expected) throw new Error(`${STATE} is of the clients ${names}, not ${expected}`);
  // On another machine scores that are nearly the same may come out the other way round.
  if (sorted(modules) !== sorted(federation.modules)) {
    throw new Error(
      `${STATE} is of other shared modules; those of the checkpoint, which federated.layers may name, are ${modules.join(', ')}`,
    );
  }
  const { control, momentum, last_change: lastChange } = parseVectorsFile(fileOf(files, SERVER));
  if (control === undefined || momentum === undefined) {
    throw new Error(`${SERVER} lacks the control variate or the momentum`);
  }
  federation.restore({
    server: { learningRate, control, momentum, lastChange },
    clients: clients.map(({ state }, index): KnownClient | undefined => {
      if (state === null) return undefined;
      const { optimizerSteps: steps, optimizerNumbers: numbers, ...rest } = state;
      const name = fileOfClient(index);
      const { tensors, ...vectors } = vectorsIn(name, fileOf(files, name));
      return { ...rest, ...vectors, optimizer: { steps, numbers, tensors } };
    }),
  });
}

function sorted(names: readonly string[]): string {
  return [...names].sort().join();
}

function vectorsIn(name: string, bytes: Uint8Array) {
  const { weights, control, ...others } = parseVectorsFile(bytes);
  if (weights === undefined || control === undefined) {
    throw new Error(`${name} lacks the weights or the control variate`);
  }
  const tensors = Object.entries(others).map(([key, numbers]) => {
    if (!key.startsWith(OPTIMIZER)) throw new Error(`${name} has '${key}', which is unknown`);
    return [key.slice(OPTIMIZER.length), numbers] as const;
  });
  return { weights, control, tensors: Object.fromEntries(tensors) };
}
