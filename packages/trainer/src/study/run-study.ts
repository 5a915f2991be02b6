/**
 * All runs of a study that are missing, one after the other or several at a time.
 *
 * Only `command-line` may import this folder.
 */
import type { RecordedRun } from '../comparison/read-run';
import { UserError } from '../user-error';
import { carryOutRun, type CarryOutOptions } from './carry-out-run';
import type { LaunchRun } from './launch-run';
import type { PlannedRun } from './plan-run';
import type { StudyPlan } from './plan-study';
import { shareCores } from './share-cores';

export interface FinishedRun {
  readonly run: PlannedRun;
  readonly recorded: RecordedRun;
}

export interface RunStudyOptions {
  readonly launch: LaunchRun;
  /** What need not be carried out. */
  readonly done: readonly FinishedRun[];
  /** Runs at a time. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  /** Told how far all runs together are, in [0, 1], with what goes on. */
  readonly onProgress?: (fraction: number, runs: readonly string[]) => void;
  /** Told of each run that was carried out, with those that are done. */
  readonly onRun?: (finished: FinishedRun, all: readonly FinishedRun[]) => void;
}

export interface StudyEnd {
  /** In the order of the plan. */
  readonly finished: readonly FinishedRun[];
  /** A sentence for each variant of which a run failed; its other runs were not begun. */
  readonly failures: readonly string[];
}

/**
 * A run that fails does not end the others.
 *
 * @throws the signal's reason when it is aborted, after the runs under way have ended with a checkpoint
 */
export async function runStudy(plan: StudyPlan, options: RunStudyOptions): Promise<StudyEnd> {
  const { launch, parallel, signal, onProgress, onRun } = options;
  const finished = new Map(options.done.map(({ run, recorded }) => [run, recorded]));
  const failures = new Map<string, string>();
  const waiting = plan.runs.filter((run) => !finished.has(run));
  let isEnding = false;
  const work = createWork(waiting, onProgress);
  const inOrder = (): FinishedRun[] =>
    plan.runs.flatMap((run) => {
      const recorded = finished.get(run);
      return recorded === undefined ? [] : [{ run, recorded }];
    });

  async function carryOut(run: PlannedRun): Promise<RecordedRun | undefined> {
    const carrying = work.begin(run);
    try {
      return await carryOutRun(run, {
        ...{ launch, signal, onEvent: carrying.onEvent },
        environment: shareCores(parallel),
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof UserError)) throw error;
      failures.set(run.variant, error.message);
      return undefined;
    } finally {
      carrying.end();
    }
  }

  async function worker(): Promise<void> {
    try {
      for (let run = waiting.shift(); run !== undefined && !isEnding; run = waiting.shift()) {
        signal.throwIfAborted();
        if (failures.has(run.variant)) continue;
        const recorded = await carryOut(run);
        if (recorded === undefined) continue;
        finished.set(run, recorded);
        onRun?.({ run, recorded }, inOrder());
      }
    } catch (error) {
      // What no run is to blame for, such as a full disk, ends the others after the run that each is at.
      isEnding = true;
      throw error;
    }
  }

  const workers = Array.from({ length: Math.min(parallel, plan.runs.length) }, worker);
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === 'rejected') throw end.reason as Error;
  return { finished: inOrder(), failures: [...failures.values()] };
}

/** What there is to do, in images: those of training, and those of evaluations. */
function createWork(
  runs: readonly PlannedRun[],
  onProgress: RunStudyOptions['onProgress'] = () => undefined,
) {
  const total = runs.reduce((sum, run) => sum + imagesOf(run), 0);
  const done = new Map<PlannedRun, number>();
  const current = new Map<PlannedRun, string>();
  const report = () => {
    const sum = [...done.values()].reduce((all, images) => all + images, 0);
    onProgress(total === 0 ? 1 : sum / total, [...current.values()]);
  };
  return {
    begin(run: PlannedRun): Required<Pick<CarryOutOptions, 'onEvent'>> & { end: () => void } {
      const { config } = run;
      const perIteration = config.batch.prompts * config.algorithm.k;
      const name = `${run.variant}, seed ${String(run.seed)}`;
      let iteration = 0;
      let evaluations = 0;
      const tell = (): void => {
        const images = iteration * perIteration + evaluations * config.evaluate.images;
        done.set(run, Math.min(images, imagesOf(run)));
        current.set(run, `${name}: ${String(iteration)}/${String(config.iterations)}`);
        report();
      };
      tell();
      return {
        onEvent(event) {
          const given = event['iteration'];
          if (
            (event.event === 'iteration' || event.event === 'resume') &&
            typeof given === 'number'
          ) {
            iteration = given;
          }
          if (event.event === 'evaluation') evaluations += 1;
          tell();
        },
        end() {
          done.set(run, imagesOf(run));
          current.delete(run);
          report();
        },
      };
    },
  };
}

function imagesOf({ config }: PlannedRun): number {
  const { batch, algorithm, iterations, evaluate } = config;
  const between = evaluate.every > 0 ? Math.floor((iterations - 1) / evaluate.every) : 0;
  return iterations * batch.prompts * algorithm.k + evaluate.images * (2 + between);
}
