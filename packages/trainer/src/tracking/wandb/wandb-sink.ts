/** A run in Weights & Biases, by its SDK. */
import { Worker } from 'node:worker_threads';

import type { TrainConfig } from '../../configuration/schema';
import { limitFreeTime } from '../free-time-limit';
import { evaluationScalars, iterationScalars, summaryScalars, type Scalars } from '../scalars';
import type { TrackingSink } from '../tracking-sink';
import {
  WANDB_WORKER,
  type WandbOrder,
  type WandbReport,
  type WandbWorkerData,
} from './wandb-worker';

export interface WandbSinkOptions {
  readonly project: string;
  /** Shown as the run's name. */
  readonly name: string;
  readonly config: TrainConfig;
  /** The SDK's file. */
  readonly sdk: string;
  readonly warn: (text: string) => void;
  /** Milliseconds that the last delivery may take. */
  readonly finishDeadline?: number | undefined;
}

interface Thread {
  readonly worker: Worker;
  /** Everything is delivered, or the thread has died. */
  readonly finished: Promise<void>;
}

/** The thread starts with the first report, so that a run that failed before leaves nothing. */
export function createWandbSink(options: WandbSinkOptions): TrackingSink {
  const { project, name, config, sdk, warn, finishDeadline = 20_000 } = options;
  let thread: Thread | undefined;
  let row: { step: number; scalars: Scalars } | undefined;
  let warned = false;
  let ended = false;

  function problem(reason: string): void {
    if (warned) return;
    warned = true;
    // The SDK quotes whole requests.
    const short = reason.length > 160 ? `${reason.slice(0, 159)}…` : reason;
    warn(
      `Weights & Biases: ${short}; the run goes on without it, and events.jsonl has every figure`,
    );
  }

  function start(): Thread {
    const run = { project, name, config, settings: { silent: true } };
    const worker = new Worker(WANDB_WORKER, {
      eval: true,
      workerData: { sdk, run } satisfies WandbWorkerData,
    });
    const finished = new Promise<void>((resolve) => {
      worker.on('exit', () => resolve());
      worker.on('message', (report: WandbReport) => {
        if ('problem' in report) problem(report.problem);
        else resolve();
      });
    });
    worker.on('error', ({ message }: { message?: string }) =>
      problem(message ?? 'its thread died'),
    );
    return { worker, finished };
  }

  function order(message: WandbOrder): void {
    thread ??= start();
    thread.worker.postMessage(message);
  }

  /** A step is one row there, which is sent when the next one begins. */
  function log(scalars: Scalars, step: number): void {
    if (row !== undefined && row.step !== step) sendRow();
    const finite = Object.entries(scalars).filter(([, value]) => Number.isFinite(value));
    row = { step, scalars: { ...row?.scalars, ...Object.fromEntries(finite) } };
  }

  function sendRow(): void {
    if (row !== undefined) order({ log: row.scalars, step: row.step });
    row = undefined;
  }

  async function end(exitCode: number): Promise<void> {
    ended = true;
    sendRow();
    if (thread === undefined) return;
    const limit = limitFreeTime(finishDeadline);
    const late = new Promise<void>((resolve) => {
      limit.signal.addEventListener('abort', () => {
        problem((limit.signal.reason as Error).message);
        resolve();
      });
    });
    order({ finish: { exitCode } });
    await Promise.race([thread.finished, late]);
    limit.clear();
    await thread.worker.terminate();
  }

  return {
    iteration(record) {
      log(iterationScalars(record), record.iteration);
    },
    evaluation(record, iteration) {
      log(evaluationScalars(record), iteration);
    },
    sampleGrid() {
      // The SDK for JavaScript takes no pictures.
    },
    async finish(summary) {
      log(summaryScalars(summary), summary.iterations);
      await end(summary.interrupted ? 1 : 0);
    },
    close() {
      if (!ended) void end(1);
    },
  };
}
