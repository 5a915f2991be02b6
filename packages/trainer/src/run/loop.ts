/**
 * A run from its first iteration to its last. With LOOP, leave-one-out PPO for diffusion models (arXiv:2503.00897), an iteration
 * draws k images for each of its prompts, compares every reward with the mean of the other k − 1, and optimises PPO's clipped
 * surrogate over the denoise steps; `methods` has the others.
 */
import { isDue } from '../configuration/federated-rounds';
import type { TrainConfig } from '../configuration/schema';
import type { Checkpoint } from '../run-folder/checkpoint-folder';
import type { EvaluationRecord, RunSummary } from '../run-folder/records';
import type { RunRecorder } from '../tracking/recorder';
import type { DrawnImages } from '../tracking/sink';
import { UserError } from '../user-error';
import { ALONE, WorkerLeft } from '../workers/workers';
import { createCheckpoints } from './checkpoint';
import { checkDiskSpace } from './checkpoint-size';
import { createCollapseGuard } from './collapse-guard';
import { createRunEvaluator } from './evaluator';
import type { GivenObjects } from './given';
import { createGuards } from './guards';
import { COPIES_OF_A_CLIENT, evaluateClients, saveClients } from './federated/client-results';
import { runIteration, type IterationResult } from './iteration';
import { openRun } from './open-run';
import { createPhaseClock } from './phase-clock';
import type { Run } from './run';
import { saveTrained } from './save-trained';
import { summarizeRun } from './summarize-run';
import {
  UnlikeWeights,
  checkWeights,
  departFrom,
  startTogether,
  takeStateOfFirst,
} from './together';
import { allOrNothing } from './training-state';

/** Where a run goes on from. */
export interface ResumePoint {
  /** Undefined for a run that ended before its first. */
  readonly checkpoint: Checkpoint | undefined;
  /** Those made until then. */
  readonly evaluations: readonly EvaluationRecord[];
  /** Told what is no longer as it was when the checkpoint was made. */
  readonly onDifference: (difference: string) => void;
}

/**
 * Fine-tunes a model and leaves what was trained in the run's folder, with checkpoints on the way. Held-out prompts are evaluated
 * before and after, on the same noise.
 *
 * @param signal when aborted, the iteration under way is dropped and the run ends with a checkpoint and its result as it is,
 *   without the evaluation after it; aborted with a `UserError`, the run ends with that error instead
 * @param from goes on with a run; the numbers are those of one that never stopped
 * @param given objects in the place of what the configuration names
 * @throws what went wrong, after leaving a checkpoint of the iterations that were done
 */
export async function runLoop(
  config: TrainConfig,
  recorder: RunRecorder,
  signal: AbortSignal,
  from?: ResumePoint,
  given: GivenObjects = {},
): Promise<RunSummary> {
  try {
    const run = await openRun(config, given, (fraction) => {
      recorder.phase('loading', fraction);
    });
    try {
      const summary = await iterate(run, recorder, signal, from);
      given.onTrained?.(run.result());
      return summary;
    } finally {
      run.dispose();
    }
  } catch (error) {
    await departFrom(given.workers ?? ALONE, signal, error);
    throw error;
  }
}

async function iterate(
  run: Run,
  recorder: RunRecorder,
  signal: AbortSignal,
  from: ResumePoint | undefined,
): Promise<RunSummary> {
  const { config, workers } = run;
  if (run.output !== undefined) {
    const averages = [run.ema, run.average].filter((average) => average !== undefined).length;
    const ofClients = COPIES_OF_A_CLIENT * (run.federation?.clients.length ?? 0);
    checkDiskSpace(run.variables, run.output, averages + ofClients);
  }
  const { progress, earlier } = await startTogether(run, from);
  const clock = createPhaseClock((phase, fraction) => {
    recorder.phase(phase, fraction);
  }, progress?.seconds);
  const guards = createGuards(config.guards);
  const evaluator = createRunEvaluator(run, { recorder, clock, signal, guards, earlier });
  const collapse = createCollapseGuard(config.guards, progress?.collapse);
  const checkpoints = createCheckpoints(run, clock, progress, collapse);
  let iterations = progress?.iterations ?? 0;
  let stop: string | undefined;
  let failure: unknown;
  let otherWasEnded = false as boolean;
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      await departFrom(workers, signal, error);
      if (error instanceof WorkerLeft && error.interrupted) {
        otherWasEnded = true;
        stop ??= error.message;
      } else if (error !== signal.reason) failure ??= error;
    }
    if (signal.reason instanceof UserError) failure ??= signal.reason;
  };

  /** An iteration; in a federated run those of a round. */
  const advance = async (done: number): Promise<IterationResult[]> => {
    if (run.federation !== undefined) return run.federation.round(done, clock, signal);
    return [await runIteration(run, clock, done, signal, guards, collapse.rateFactor)];
  };
  const conclude = async ({ record, ...result }: IterationResult): Promise<void> => {
    const { reward, images } = record;
    const verdict = collapse.observe(record.iteration, { ...reward, images });
    if (verdict.backTo !== undefined) {
      checkpoints.goBackTo(verdict.backTo);
      await takeStateOfFirst(run);
      record.backTo = verdict.backTo;
    }
    if (verdict.keep) checkpoints.save();
    // Screened where the recorder keeps them, which it seldom does.
    const drawn = async (): Promise<DrawnImages> => {
      const { shown } = await run.screen.show(result.images);
      return { images: shown, prompts: result.prompts };
    };
    await clock.time('tracking', () => recorder.iteration(record, drawn));
    stop ??= verdict.stop;
  };

  if (run.cutOff !== undefined) recorder.promptsCutOff(run.cutOff);
  await attempt(async () => {
    await evaluator.before();
    run.releaseBase();
    await evaluator.afterIteration(iterations);
    if (collapse.keepsBeginning) checkpoints.save();
    clock.lap();
    // Only the first worker's reports go anywhere, and so only there may somebody wish for an end.
    const wish = async () => (await workers.gather(recorder.stopRequest?.stop))[0];
    while ((stop ??= await wish()) === undefined && iterations < config.iterations) {
      const results = await allOrNothing(run, () => advance(iterations));
      iterations += results.length;
      // All of a round, before a report of one of them may fail: the state is that after all.
      for (const { record } of results) checkpoints.count(record);
      for (const result of results) await conclude(result);
      await evaluator.afterIteration(iterations);
      await clock.time('checkpoint', async () => {
        const { every } = config.checkpoint;
        if (isDue(every, iterations, results.length)) await checkWeights(run, iterations);
        checkpoints.saveIfDue();
      });
      clock.lap();
    }
    await checkWeights(run, iterations);
  });
  // Also after a failure or a signal: what was learnt until then is not lost.
  await attempt(async () => {
    // Of weights that differ nobody knows which are right.
    if (failure instanceof UnlikeWeights) return;
    checkpoints.save();
    if (iterations > 0 && run.output !== undefined) {
      saveTrained(run.result(), run.output);
      if (run.federation !== undefined) await saveClients(run.federation, run.output);
    }
    if (failure !== undefined || otherWasEnded) return;
    signal.throwIfAborted();
    await evaluator.after();
    if (run.federation !== undefined) await evaluateClients(run.federation, evaluator);
    await workers.end();
  });
  if (failure !== undefined) throw failure as Error;
  const summary = summarizeRun(run, {
    ...{ iterations, evaluator, clock },
    interrupted: signal.aborted || otherWasEnded,
    stopped: stop,
  });
  await recorder.finish(summary);
  return summary;
}
