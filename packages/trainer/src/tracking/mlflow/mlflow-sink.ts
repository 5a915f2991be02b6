/** A run in MLflow. What the server does not take is kept and sent again with the next report. */
import type { TrainConfig } from '../../configuration/schema';
import { limitFreeTime } from '../free-time-limit';
import { evaluationScalars, iterationScalars, summaryScalars, type Scalars } from '../scalars';
import type { TrackingSink } from '../tracking-sink';
import { configParameters } from './config-parameters';
import {
  createMlflowClient,
  mayPass,
  MlflowRefusal,
  type MlflowClient,
  type MlflowMetric,
  type MlflowStatus,
} from './mlflow-client';

export interface MlflowSinkOptions {
  readonly url: string;
  readonly experiment: string;
  /** Shown as the run's name. */
  readonly name: string;
  readonly config: TrainConfig;
  /** Where the id of the run is kept, so that a resumed run goes on in it. */
  readonly memory: { read(): string | undefined; write(run: string): void };
  readonly warn: (text: string) => void;
  /** Milliseconds that the last delivery may take. */
  readonly finishDeadline?: number | undefined;
  readonly client?: ((signal: AbortSignal) => MlflowClient) | undefined;
}

/** Both are limits of `runs/log-batch`. */
const METRICS_PER_CALL = 1000;
const PARAMETERS_PER_CALL = 100;

/** Of a server that does not come back the oldest metrics are given up. */
const MOST_PENDING_METRICS = 100_000;

export function createMlflowSink(options: MlflowSinkOptions): TrackingSink {
  const { url, experiment, name, config, memory, warn, finishDeadline = 20_000 } = options;
  const end = new AbortController();
  const client = options.client?.(end.signal) ?? createMlflowClient(url, { signal: end.signal });
  let pending: MlflowMetric[] = [];
  let run: string | undefined;
  let sending: Promise<void> | undefined;
  let warned = false;
  let ended = false;

  function problem(error: unknown): void {
    if (warned) return;
    warned = true;
    warn(
      `MLflow at ${url}: ${reasonOf(error)}; the run goes on without it, and events.jsonl has every figure`,
    );
  }

  async function openRun(): Promise<string> {
    const earlier = memory.read();
    if (earlier !== undefined) {
      try {
        await client.updateRun(earlier, 'RUNNING');
        return earlier;
      } catch (error) {
        // A run that somebody deleted is begun anew.
        if (!(error instanceof MlflowRefusal) || mayPass(error)) throw error;
      }
    }
    const made = await client.createRun(await client.experiment(experiment), name);
    memory.write(made);
    const parameters = configParameters(config);
    for (let first = 0; first < parameters.length; first += PARAMETERS_PER_CALL) {
      await client.logParameters(made, parameters.slice(first, first + PARAMETERS_PER_CALL));
    }
    return made;
  }

  async function sendPending(): Promise<void> {
    run ??= await openRun();
    while (pending.length > 0) {
      const batch = pending.splice(0, METRICS_PER_CALL);
      try {
        await client.logMetrics(run, batch);
      } catch (error) {
        if (mayPass(error)) pending.unshift(...batch);
        throw error;
      }
    }
  }

  /** One delivery at a time; what is reported meanwhile goes with it. */
  function send(): Promise<void> {
    sending ??= sendPending()
      .catch(problem)
      .finally(() => {
        sending = undefined;
      });
    return sending;
  }

  function log(scalars: Scalars, step: number): void {
    const timestamp = Date.now();
    const metrics = Object.entries(scalars)
      .filter(([, value]) => Number.isFinite(value))
      .map(([key, value]) => ({ key: metricName(key), value, timestamp, step }));
    pending = [...pending, ...metrics].slice(-MOST_PENDING_METRICS);
  }

  async function endRun(status: MlflowStatus): Promise<void> {
    ended = true;
    const limit = limitFreeTime(finishDeadline);
    limit.signal.addEventListener('abort', () => {
      end.abort(limit.signal.reason);
    });
    await sending;
    await send();
    try {
      if (run !== undefined) await client.updateRun(run, status);
    } catch (error) {
      problem(error);
    } finally {
      limit.clear();
    }
  }

  return {
    iteration(record) {
      log(iterationScalars(record), record.iteration);
      void send();
    },
    evaluation(record, iteration) {
      log(evaluationScalars(record), iteration);
      void send();
    },
    sampleGrid() {
      // Pictures are artifacts, which a tracking server need not store.
    },
    async finish(summary) {
      log(summaryScalars(summary), summary.iterations);
      await endRun(summary.interrupted ? 'KILLED' : 'FINISHED');
    },
    close() {
      const begun = run !== undefined || sending !== undefined;
      if (begun && !ended) void endRun('FAILED');
    },
  };
}

/** MLflow takes letters, digits and `_-. /` only. */
function metricName(tag: string): string {
  return tag.replace(/[^\w\-. /]/g, '_');
}

/** Every error of fetch says "fetch failed", and its cause why. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Partial<Error>;
  const { message: detail, code } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  return [detail, code, message].find((text) => text !== undefined && text !== '') ?? String(error);
}
