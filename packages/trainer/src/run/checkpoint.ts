/** A run's checkpoints: when one is due, what is in it, and how a run goes on from it. */
import { join } from 'node:path';

import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

import { isOutOfMemory } from '../files/out-of-memory';
import {
  checkpointSteps,
  pruneCheckpoints,
  writeCheckpoint,
  type Checkpoint,
  type CheckpointFiles,
} from '../run-folder/checkpoint-folder';
import type { IterationRecord } from '../run-folder/records';
import { UnfitCheckpoint } from '../run-folder/unfit-checkpoint';
import { mean } from '../statistics';
import { UserError } from '../user-error';
import { readTrainedFile, trainedFileName, writeTrainedFile } from '../weights/trained-file';
import { differencesBetween } from './origin';
import type { PhaseClock } from './phase-clock';
import type { Run } from './run';
import { holdState, releaseState, restoreState } from './training-state';

const OPTIMIZER = 'optimizer.safetensors';
const STATE = 'state.json';

const stateSchema = z.object({
  /** That were done. */
  iterations: z.int().nonnegative(),
  optimizerSteps: z.int().nonnegative(),
  /** What the optimizer remembers besides its tensors; left out by runs whose optimizer remembered nothing else. */
  optimizerNumbers: z.record(z.string(), z.number()).optional(),
  /** The rewards remembered of each prompt, for an algorithm that compares with them. */
  advantages: z.object({ prompts: z.array(z.tuple([z.string(), z.array(z.number())])) }).nullable(),
  /** What the rewards' running scales remember, in the order of the rewards; left out by runs that had none. */
  rewards: z
    .array(
      z.object({ count: z.int().nonnegative(), mean: z.number(), squares: z.number() }).nullable(),
    )
    .optional(),
  /** Wall clock by phase, of the run so far. */
  seconds: z.record(z.string(), z.number()),
  /** Of the checkpoint with the largest mean training reward of the iterations before it. */
  best: z.object({ step: z.int(), reward: z.number() }).nullable(),
  /** What the numbers came from: with something else they would not be the same. */
  madeWith: z.record(z.string(), z.string()),
});

export type Progress = Omit<
  z.infer<typeof stateSchema>,
  'advantages' | 'rewards' | 'optimizerSteps' | 'optimizerNumbers' | 'madeWith'
>;

export interface Checkpoints {
  /** An iteration was done. */
  count(record: IterationRecord): void;
  /** Writes a checkpoint when enough iterations or minutes have gone by. */
  saveIfDue(): void;
  /** Writes one of the iterations that are done, unless there is one already. */
  save(): void;
}

const nothing = (): void => undefined;
const NO_CHECKPOINTS: Checkpoints = { count: nothing, saveIfDue: nothing, save: nothing };

/**
 * @param from what the run goes on from
 * @param now milliseconds since any fixed time
 */
export function createCheckpoints(
  run: Run,
  clock: Pick<PhaseClock, 'totals'>,
  from: Progress | undefined,
  now: () => number = Date.now,
): Checkpoints {
  const { every, minutes, keep } = run.config.checkpoint;
  if (run.output === undefined) return NO_CHECKPOINTS;
  const folder = join(run.output, 'checkpoints');
  let iterations = from?.iterations ?? 0;
  let saved = iterations;
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
      filesOf(run, { iterations, seconds: clock.totals(), best }),
    );
    pruneCheckpoints(folder, keep, best === null ? [] : [best.step]);
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
      const byCount = every > 0 && iterations % every === 0;
      const byTime = minutes > 0 && now() - savedAt >= minutes * 60_000;
      if (byCount || byTime) save();
    },
    save,
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
  try {
    const { optimizerSteps, optimizerNumbers, advantages, rewards, madeWith, ...progress } =
      stateSchema.parse(JSON.parse(new TextDecoder().decode(file(files, STATE))));
    const tensors: Record<string, tf.Tensor1D> = {};
    for (const [name, stored] of readSafetensors(file(files, OPTIMIZER)).tensors) {
      const tensor = tf.tensor1d(toFloat32Array(stored));
      opened.push(tensor);
      tensors[name] = tensor;
    }
    const weights = readTrainedFile(run.policy, file(files, trainedFileName(run.policy)));
    opened.push(...weights);
    restoreState(run, {
      weights,
      optimizer: { steps: optimizerSteps, numbers: optimizerNumbers ?? {}, tensors },
      advantages,
      rewards: rewards ?? run.combination.toJSON(),
    });
    for (const difference of differencesBetween(madeWith, run.origin)) onDifference(difference);
    return progress;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (isOutOfMemory(error)) {
      throw new UserError(
        `There is not enough memory to go on from the checkpoint '${folder}': ${reason}`,
        { cause: error },
      );
    }
    throw new UnfitCheckpoint(`The checkpoint '${folder}' does not fit the run: ${reason}`, {
      cause: error,
    });
  } finally {
    tf.dispose(opened);
  }
}

function filesOf(run: Run, progress: Progress): CheckpointFiles {
  const state = holdState(run);
  try {
    const { steps, numbers, tensors } = state.optimizer;
    const contents: z.input<typeof stateSchema> = {
      ...progress,
      optimizerSteps: steps,
      optimizerNumbers: numbers,
      advantages: state.advantages && {
        prompts: state.advantages.prompts.map(([prompt, rewards]) => [prompt, [...rewards]]),
      },
      rewards: [...state.rewards],
      madeWith: run.origin,
    };
    return {
      // Its float32 numbers are the master weights.
      [trainedFileName(run.policy)]: writeTrainedFile(run.policy),
      [OPTIMIZER]: writeSafetensors(
        Object.entries(tensors).map(([name, tensor]) => [
          name,
          float32Tensor(tensor.dataSync<'float32'>(), tensor.shape),
        ]),
      ),
      [STATE]: new TextEncoder().encode(`${JSON.stringify(contents, null, 2)}\n`),
    };
  } finally {
    releaseState(state);
  }
}

function file(files: CheckpointFiles, name: string): Uint8Array {
  const bytes = files[name];
  if (bytes === undefined) throw new Error(`${name} is missing`);
  return bytes;
}
