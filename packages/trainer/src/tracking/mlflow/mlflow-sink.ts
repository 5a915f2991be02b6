/** A run in MLflow. What the server does not take is kept and sent again with the next report. */
import type { TrainConfig } from '../../configuration/schema';
import { limitFreeTime } from '../free-time-limit';
import type { EvaluationRecord, IterationRecord } from '../../run-folder/records';
import type { RunHistory } from '../../run-folder/run-history';
import {
  evaluationGroup,
  evaluationScalars,
  iterationScalars,
  summaryScalars,
  type Scalars,
} from '../scalars';
import type { TrackingSink } from '../tracking-sink';
import { configParameters } from './config-parameters';
import {
  createMlflowClient,
  mayPass,
  MlflowRefusal,
  type MlflowClient,
  type MlflowMetric,
  type MlflowParameter,
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
  /** What a run had reported that goes on. */
  readonly history?: RunHistory | undefined;
  readonly warn: (text: string) => void;
  /** Milliseconds that the last delivery may take. */
  readonly finishDeadline?: number | undefined;
  readonly client?: ((signal: AbortSignal) => MlflowClient) | undefined;
}

/** Both are limits of `runs/log-batch`. */
const METRICS_PER_CALL = 1000;
const PARAMETERS_PER_CALL = 100;
/** Of a server that does not come back the oldest reports are given up. */
const MOST_PENDING_METRICS = 100_000;

/** The figures of one report. */
interface Report {
  readonly step: number;
  /** A figure that each such report has. It is sent last: where the server has it, it has all. */
  readonly marker: string;
  readonly metrics: readonly MlflowMetric[];
}

export function createMlflowSink(options: MlflowSinkOptions): TrackingSink {
  const { url, experiment, name, config, memory, warn, finishDeadline = 20_000 } = options;
  const end = new AbortController();
  const client = options.client?.(end.signal) ?? createMlflowClient(url, { signal: end.signal });
  const reports: Report[] = [];
  /** On its way. */
  const metrics: MlflowMetric[] = [];
  let parameters: MlflowParameter[] = configParameters(config);
  let run: string | undefined;
  /** What the server has of a run that goes on: the steps of a marker. */
  let known: Map<string, ReadonlySet<number>> | undefined;
  let sending: Promise<void> | undefined;
  let warned = false;
  let ended = false;

  function problem(error: unknown): void {
    if (warned) return;
    warned = true;
    warn(
      `MLflow at ${url}: ${reasonOf(error)}; the run goes on, what was not taken is sent again with later figures, and events.jsonl has every figure`,
    );
  }

  async function openRun(): Promise<string> {
    const earlier = memory.read();
    if (earlier !== undefined) {
      try {
        await client.updateRun(earlier, 'RUNNING');
        // Those of MLflow cannot be changed, and a batch with one that differs is refused as a whole.
        const there = new Set(await client.parameters(earlier));
        parameters = parameters.filter(({ key }) => !there.has(key));
        known = new Map();
        return earlier;
      } catch (error) {
        // Somebody may have deleted the run: a new one takes its place.
        if (!(error instanceof MlflowRefusal) || mayPass(error)) throw error;
      }
    }
    const made = await client.createRun(await client.experiment(experiment), name);
    memory.write(made);
    return made;
  }

  async function sendParameters(to: string): Promise<void> {
    while (parameters.length > 0) {
      try {
        await client.logParameters(to, parameters.slice(0, PARAMETERS_PER_CALL));
      } catch (error) {
        // What is refused is not sent for ever.
        if (!mayPass(error)) parameters = [];
        throw error;
      }
      parameters = parameters.slice(PARAMETERS_PER_CALL);
    }
  }

  async function sendMetrics(to: string): Promise<void> {
    while (metrics.length > 0) {
      const batch = metrics.splice(0, METRICS_PER_CALL);
      try {
        await client.logMetrics(to, batch);
      } catch (error) {
        if (mayPass(error)) metrics.unshift(...batch);
        throw error;
      }
    }
  }

  async function serverHas(to: string, { marker, step }: Report): Promise<boolean> {
    if (known === undefined) return false;
    const steps = known.get(marker) ?? new Set(await client.steps(to, marker));
    known.set(marker, steps);
    return steps.has(step);
  }

  async function sendPending(): Promise<void> {
    run ??= await openRun();
    await sendParameters(run);
    for (let report = reports[0]; report !== undefined; report = reports[0]) {
      const isThere = await serverHas(run, report);
      // Others may have come meanwhile, and the oldest been given up.
      if (reports[0] !== report) continue;
      reports.shift();
      if (!isThere) metrics.push(...report.metrics);
      if (metrics.length >= METRICS_PER_CALL) await sendMetrics(run);
    }
    await sendMetrics(run);
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

  function log(scalars: Scalars, step: number, marker: string): void {
    const timestamp = Date.now();
    const { [marker]: last, ...others } = scalars;
    const figures = Object.entries({ ...others, [marker]: last })
      .filter((entry): entry is [string, number] => Number.isFinite(entry[1]))
      .map(([key, value]) => ({ key: metricName(key), value, timestamp, step }));
    reports.push({ step, marker: metricName(marker), metrics: figures });
    let pending = reports.reduce((sum, report) => sum + report.metrics.length, 0);
    while (pending > MOST_PENDING_METRICS) pending -= reports.shift()?.metrics.length ?? pending;
  }

  function logIteration(record: IterationRecord): void {
    log(iterationScalars(record), record.iteration, 'images');
  }

  function logEvaluation(record: EvaluationRecord, iteration: number): void {
    log(evaluationScalars(record), iteration, `${evaluationGroup(record)}/failed`);
  }

  // What the server has of it is left out, and what it missed is made up for.
  for (const record of options.history?.iterations ?? []) logIteration(record);
  for (const { record, iteration } of options.history?.evaluations ?? []) {
    logEvaluation(record, iteration);
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
      logIteration(record);
      void send();
    },
    evaluation(record, iteration) {
      logEvaluation(record, iteration);
      void send();
    },
    sampleGrid() {
      // Pictures are artifacts, which a tracking server need not store.
    },
    async finish(summary) {
      const gains = summaryScalars(summary);
      const marker = Object.keys(gains).at(-1);
      if (marker !== undefined) log(gains, summary.iterations, marker);
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

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
}
