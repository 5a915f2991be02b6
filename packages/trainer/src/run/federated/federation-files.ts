/** What a checkpoint of a federated run holds besides the global adapter: the server's memory, and every client's state. */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { flatten, unflatten } from '../../learning/flat-weights';
import type { CheckpointFiles } from '../../run-folder/checkpoint-folder';
import {
  fileOf,
  jsonFile,
  parseJsonFile,
  parseVectorsFile,
  scalesSchema,
  vectorsFile,
} from '../checkpoint-files';
import type { Run } from '../run';
import type { ClientState, Federation } from './federation';

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
      advantages: z.json(),
      rewards: scalesSchema,
      klWeight: z.number().nullable(),
    })
    .nullable(),
});

const stateSchema = z.object({
  /** Of the server, as the last round has left it. */
  learningRate: z.number().nonnegative(),
  /** In the order of the configuration. */
  clients: z.array(clientSchema),
});

/** Of an optimizer's tensors, before their names in it. */
const OPTIMIZER = 'optimizer.';

export function federationFiles(federation: Federation): CheckpointFiles {
  const { server, clients } = federation.state();
  const contents: z.input<typeof stateSchema> = {
    learningRate: server.learningRate,
    clients: clients.map((state, index) => ({
      name: federation.clients[index]!.name,
      state: state === undefined ? null : numbersOf(state),
    })),
  };
  const { control, momentum, lastChange } = server;
  return {
    [STATE]: jsonFile(contents),
    [SERVER]: vectorsFile({ control, momentum, ...(lastChange && { last_change: lastChange }) }),
    ...Object.fromEntries(
      clients.flatMap((state, index) =>
        state === undefined ? [] : [[fileOfClient(index), vectorsOf(state)]],
      ),
    ),
  };
}

function numbersOf({ training }: ClientState) {
  const { optimizer, advantages, rewards, klWeight } = training;
  return {
    optimizerSteps: optimizer.steps,
    optimizerNumbers: { ...optimizer.numbers },
    advantages: advantages as z.core.util.JSONType,
    rewards: [...rewards],
    klWeight,
  };
}

function vectorsOf({ training, control }: ClientState): Uint8Array {
  const weights = flatten(training.weights);
  try {
    const ofOptimizer = Object.entries(training.optimizer.tensors).map(
      ([name, tensor]) => [OPTIMIZER + name, tensor.dataSync<'float32'>()] as const,
    );
    return vectorsFile({
      weights: weights.dataSync<'float32'>(),
      control,
      ...Object.fromEntries(ofOptimizer),
    });
  } finally {
    weights.dispose();
  }
}

/**
 * @param run whose variables are the checkpoint's by now
 * @throws Error when a file is missing or damaged, or of other clients or modules
 */
export function restoreFederation(run: Run, federation: Federation, files: CheckpointFiles): void {
  const { learningRate, clients } = stateSchema.parse(parseJsonFile(fileOf(files, STATE)));
  const names = clients.map(({ name }) => name).join(', ');
  const expected = federation.clients.map(({ name }) => name).join(', ');
  if (names !== expected) throw new Error(`${STATE} is of the clients ${names}, not ${expected}`);
  const opened: tf.Tensor[] = [];
  try {
    const states = clients.map(({ state }, index): ClientState | undefined => {
      if (state === null) return undefined;
      const name = fileOfClient(index);
      const { weights, control, ...others } = parseVectorsFile(fileOf(files, name));
      if (weights === undefined || control === undefined) {
        throw new Error(`${name} lacks the weights or the control variate`);
      }
      const ofOptimizer = Object.entries(others).map(([key, numbers]) => {
        if (!key.startsWith(OPTIMIZER)) throw new Error(`${name} has '${key}', which is unknown`);
        return [key.slice(OPTIMIZER.length), tensorOf(numbers)] as const;
      });
      const own = tensorOf(weights);
      if (own.size !== run.variables.reduce((sum, { size }) => sum + size, 0)) {
        throw new Error(`${name} has ${String(own.size)} weights, which are another adapter's`);
      }
      const parts = unflatten(own, run.variables);
      opened.push(...parts);
      const { optimizerSteps: steps, optimizerNumbers: numbers, ...rest } = state;
      return {
        control,
        training: {
          ...rest,
          weights: parts,
          optimizer: { steps, numbers, tensors: Object.fromEntries(ofOptimizer) },
          ...{ averages: {}, emaUpdates: 0 },
        },
      };
    });
    const { control, momentum, last_change: lastChange } = parseVectorsFile(fileOf(files, SERVER));
    if (control === undefined || momentum === undefined) {
      throw new Error(`${SERVER} lacks the control variate or the momentum`);
    }
    federation.restore({
      server: { learningRate, control, momentum, lastChange },
      clients: states,
    });
  } finally {
    tf.dispose(opened);
  }

  function tensorOf(numbers: Float32Array): tf.Tensor1D {
    const tensor = tf.tensor1d(numbers);
    opened.push(tensor);
    return tensor;
  }
}
