/** A run's checkpoints: when one is due, what is in it, and how a run goes on from it. */
import { join } from 'node:path';

import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { isDue, iterationsAtOnce } from '../configuration/federated-rounds';
import { isOutOfMemory } from '../files/out-of-memory';
import { flatten, unflatten } from '../learning/flat-weights';
import {
  checkpointPath,
  checkpointSteps,
  pruneCheckpoints,
  readCheckpoint,
  writeCheckpoint,
  type Checkpoint,
  type CheckpointFiles,
} from '../run-folder/checkpoint-folder';
import type { IterationRecord } from '../run-folder/records';
import { UnfitCheckpoint } from '../run-folder/unfit-checkpoint';
import { mean } from '../statistics';
import { UserError } from '../user-error';
import { readTrainedFile, trainedFileName, writeTrainedFile } from '../weights/trained-file';
import {
  fileOf,
  jsonFile,
  parseJsonFile,
  parseVectorsFile,
  scalesSchema,
  vectorsFile,
} from './checkpoint-files';
import type { CollapseGuard } from './collapse-guard';
import { federationFiles, restoreFederation } from './federated/federation-files';
import { differencesBetween } from './origin';
import type { PhaseClock } from './phase-clock';
import type { Run } from './run';
import { holdState, releaseState, restoreState, type TrainingState } from './training-state';

const OPTIMIZER = 'optimizer.safetensors';
const AVERAGES = 'averages.safetensors';
const STATE = 'state.json';

const level = z.object({ mean: z.number(), std: z.number(), images: z.number() });
const collapseSchema = z.object({
  rollbacks: z.int().nonnegative(),
  best: z.object({ step: z.int(), reward: z.number() }).nullable(),
  candidate: z.object({ step: z.int(), rewards: z.array(z.number()).readonly() }),
  watch: z.object({ recent: z.array(level).readonly(), best: level.nullable() }),
});

const stateSchema = z.object({
  /** That were done. */
  iterations: z.int().nonnegative(),
  optimizerSteps: z.int().nonnegative(),
  /** What the optimizer remembers besides its tensors; left out by runs whose optimizer remembered nothing else. */
  optimizerNumbers: z.record(z.string(), z.number()).optional(),
  /** What a method remembers that compares with earlier rewards; it looks at it itself. */
  advantages: z.json(),
  /** What the rewards' running scales remember, in the order of the rewards; left out by runs that had none. */
  rewards: scalesSchema.optional(),
  /** Optimizer steps that the average of the weights has followed; left out by runs that had none, as what comes next. */
  emaUpdates: z.int().nonnegative().optional(),
  /** Of the divergence from the base model, where it follows a target. */
  klWeight: z.number().nullable().optional(),
  /** What is known of rewards that may collapse, where something is to be done then. */
  collapse: collapseSchema.nullable().optional(),
  /** Wall clock by phase, of the run so far. */
  seconds: z.record(z.string(), z.number()),
  /** Of the checkpoint with the largest mean training reward of the iterations before it. */
  best: z.object({ step: z.int(), reward: z.number() }).nullable(),
  /** What the numbers came from: with something else they would not be the same. */
  madeWith: z.record(z.string(), z.string()),
});

export type Progress = Pick<
  z.infer<typeof stateSchema>,
  'iterations' | 'seconds' | 'best' | 'collapse'
>;

export interface Checkpoints {
  /** An iteration was done. */
  count(record: IterationRecord): void;
  /** Writes a checkpoint when enough iterations or minutes have gone by. */
  saveIfDue(): void;
  /** Writes one of the iterations that are done, unless there is one already. */
  save(): void;
  /** Puts the state after so many iterations into the run, which goes on counting from where it is. */
  goBackTo(step: number): void;
}

const nothing = (): void => undefined;
/** Of a worker whose state, also that of earlier iterations, comes from the first. */
const THOSE_OF_THE_FIRST: Checkpoints = {
  ...{ count: nothing, saveIfDue: nothing, save: nothing, goBackTo: nothing },
};
const NO_CHECKPOINTS: Checkpoints = {
  ...THOSE_OF_THE_FIRST,
  goBackTo() {
    throw new TypeError('A run without files has no checkpoint to go back to.');
  },
};

/**
 * @param from what the run goes on from
 * @param now milliseconds since any fixed time
 */
export function createCheckpoints(
  run: Run,
  clock: Pick<PhaseClock, 'totals'>,
  from: Progress | undefined,
  collapse: Pick<CollapseGuard, 'state' | 'steps' | 'keepsBeginning'>,
  now: () => number = Date.now,
): Checkpoints {
  const { every, minutes, keep } = run.config.checkpoint;
  if (run.workers.rank > 0) return THOSE_OF_THE_FIRST;
  if (run.output === undefined) return NO_CHECKPOINTS;
  const folder = join(run.output, 'checkpoints');
  let iterations = from?.iterations ?? 0;
  let saved = collapse.keepsBeginning ? -1 : iterations;
  let savedAt = now();
  let best = from?.best ?? null;
  let rewards: number[] = [];

  /** Mean training rewards, of the iterations since the checkpoint before, are what checkpoints are ranked by. */
  function rank(): Progress['best'] {
    if (rewards.length === 0) return best;
    const reward = mean(rewards);
    if (best === null || reward > best.reward) return { step: iterations, reward };
    const isThere = checkpointSteps(folder).includes(best.step);
    return isThere ? best : { step: iterations, reward };
  }

  function save(): void {
    if (iterations === saved) return;
    best = rank();
    writeCheckpoint(
      folder,
      iterations,
      filesOf(run, { iterations, seconds: clock.totals(), best, collapse: collapse.state() }),
    );
    const kept = [...(best === null ? [] : [best.step]), ...collapse.steps()];
    pruneCheckpoints(folder, keep, kept);
    saved = iterations;
    savedAt = now();
    rewards = [];
  }

  return {
    count({ iteration, reward }) {
      iterations = iteration;
      if (Number.isFinite(reward.mean)) rewards.push(reward.mean);
    },
    saveIfDue() {
      const byCount = isDue(every, iterations, iterationsAtOnce(run.config));
      const byTime = minutes > 0 && now() - savedAt >= minutes * 60_000;
      if (byCount || byTime) save();
    },
    save,
    goBackTo(step) {
      restoreCheckpoint(run, readCheckpoint(checkpointPath(folder, step)), nothing);
    },
  };
}

/**
 * Puts a checkpoint's state into a run that was prepared with the same configuration.
 *
 * @param onDifference told what is different from what the checkpoint was made with
 * @returns how far the run was
 * @throws UnfitCheckpoint when it is of another model, adapter or choice of what is trained; UserError when memory runs out
 */
export function restoreCheckpoint(
  run: Run,
  { folder, files }: Checkpoint,
  onDifference: (difference: string) => void,
): Progress {
  const opened: tf.Tensor[] = [];
  let changes: string[] = [];
  try {
    const state = stateSchema.parse(parseJsonFile(fileOf(files, STATE)));
    const { iterations, seconds, best, collapse } = state;
    changes = differencesBetween(state.madeWith, run.origin);
    const vectorsIn = (name: string): Record<string, tf.Tensor1D> => {
      const tensors: Record<string, tf.Tensor1D> = {};
      for (const [key, numbers] of Object.entries(parseVectorsFile(fileOf(files, name)))) {
        const tensor = tf.tensor1d(numbers);
        opened.push(tensor);
        tensors[key] = tensor;
      }
      return tensors;
    };
    const averagesIn = (vectors: Record<string, tf.Tensor1D>): TrainingState['averages'] =>
      Object.fromEntries(
        Object.entries(vectors).map(([name, vector]) => {
          const average = unflatten(vector, run.variables);
          opened.push(...average);
          return [name, average];
        }),
      );
    const tensors = vectorsIn(OPTIMIZER);
    const weights = readTrainedFile(run.policy, fileOf(files, trainedFileName(run.policy)));
    opened.push(...weights);
    restoreState(run, {
      weights,
      optimizer: {
        steps: state.optimizerSteps,
        numbers: state.optimizerNumbers ?? {},
        tensors,
      },
      advantages: state.advantages,
      rewards: state.rewards ?? run.combination.toJSON(),
      averages: run.average || run.ema ? averagesIn(vectorsIn(AVERAGES)) : {},
      emaUpdates: state.emaUpdates ?? 0,
      klWeight: state.klWeight ?? null,
    });
    if (run.federation !== undefined) restoreFederation(run.federation, files);
    for (const change of changes) onDifference(change);
    return { iterations, seconds, best, collapse };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (isOutOfMemory(error)) {
      throw new UserError(
        `There is not enough memory to go on from the checkpoint '${folder}': ${reason}`,
        { cause: error },
      );
    }
    const since = changes.length > 0 ? `; since it was made, ${changes.join(', ')}` : '';
    throw new UnfitCheckpoint(
      `The checkpoint '${folder}' does not fit the run: ${reason}${since}`,
      { cause: error },
    );
  } finally {
    tf.dispose(opened);
  }
}

function filesOf(run: Run, progress: Progress): CheckpointFiles {
  const state = holdState(run);
  try {
    const { averages, emaUpdates, klWeight, rewards } = state;
    const { steps, numbers, tensors } = state.optimizer;
    const contents: z.input<typeof stateSchema> = {
      ...progress,
      optimizerSteps: steps,
      optimizerNumbers: numbers,
      advantages: state.advantages as z.input<typeof stateSchema>['advantages'],
      rewards: [...rewards],
      ...(run.ema && { emaUpdates }),
      ...(klWeight === null ? {} : { klWeight }),
      madeWith: run.origin,
    };
    return {
      // Its float32 numbers are the master weights.
      [trainedFileName(run.policy)]: writeTrainedFile(run.policy),
      [OPTIMIZER]: vectorsFile(numbersOf(tensors)),
      ...(Object.keys(averages).length > 0 && { [AVERAGES]: averagesFile(averages) }),
      [STATE]: jsonFile(contents),
      ...(run.federation && federationFiles(run.federation)),
    };
  } finally {
    releaseState(state);
  }
}

function averagesFile(averages: TrainingState['averages']): Uint8Array {
  const vectors = Object.fromEntries(
    Object.entries(averages).map(([name, average]) => [name, flatten(average)]),
  );
  try {
    return vectorsFile(numbersOf(vectors));
  } finally {
    tf.dispose(Object.values(vectors));
  }
}

function numbersOf(vectors: Readonly<Record<string, tf.Tensor1D>>): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, tensor]) => [name, tensor.dataSync<'float32'>()]),
  );
}
