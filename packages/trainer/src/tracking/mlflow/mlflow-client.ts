/** The part of MLflow's REST API 2.0 that a run needs. */
import { createHttpClient, HttpError, isPassingStatus } from '@loop-diffusion/http';

export interface MlflowMetric {
  readonly key: string;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly step: number;
}

export interface MlflowParameter {
  readonly key: string;
  readonly value: string;
}

export type MlflowStatus = 'RUNNING' | 'FINISHED' | 'FAILED' | 'KILLED';

export interface MlflowClient {
  /** The id of the experiment of this name, which is made when there is none. */
  experiment(name: string): Promise<string>;
  /** @returns the run's id */
  createRun(experiment: string, name: string): Promise<string>;
  /** @param metrics at most 1000 */
  logMetrics(run: string, metrics: readonly MlflowMetric[]): Promise<void>;
  /** @param parameters at most 100 */
  logParameters(run: string, parameters: readonly MlflowParameter[]): Promise<void>;
  updateRun(run: string, status: MlflowStatus): Promise<void>;
  /** Names of the parameters that a run has. */
  parameters(run: string): Promise<string[]>;
  /** The steps at which a run has a metric. */
  steps(run: string, metric: string): Promise<number[]>;
}

export interface MlflowClientOptions {
  /** Ends the request under way and those after it. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds that an answer may take. */
  readonly deadline?: number | undefined;
  /** Milliseconds before each further attempt. */
  readonly pauses?: readonly number[] | undefined;
}

/** What a server that can be reached refused. */
export class MlflowRefusal extends Error {
  constructor(
    readonly status: number,
    /** Such as `RESOURCE_DOES_NOT_EXIST`; empty when the server gave none. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * A request is tried again when the server does not answer, or says that it cannot at the moment.
 * @param url of the tracking server, as MLFLOW_TRACKING_URI has it. MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and
 *   MLFLOW_TRACKING_PASSWORD, say who asks
 */
export function createMlflowClient(url: string, options: MlflowClientOptions = {}): MlflowClient {
  const { deadline = 10_000, pauses = [500, 2000], signal } = options;
  const base = `${url.replace(/\/+$/, '')}/api/2.0/mlflow/`;
  const http = createHttpClient({
    timeoutMs: deadline,
    attempts: pauses.length + 1,
    backoff: (failures) => pauses[failures - 1] ?? 0,
    // It often runs beside the trainer.
    proxies: 'not-for-loopback',
  });

  async function request(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    try {
      return await http.request(
        {
          ...{ url: base + path, method, signal },
          headers: { 'content-type': 'application/json', ...authorization() },
          body: body === undefined ? undefined : JSON.stringify(body),
        },
        async (answer) => parseAnswer(await answer.text()) ?? notJson(),
      );
    } catch (error) {
      signal?.throwIfAborted();
      throw refusalOf(error) ?? error;
    }
  }

  const post = (path: string, body: object): Promise<Answer> => request('POST', path, body);

  async function findExperiment(name: string): Promise<string | undefined> {
    const query = new URLSearchParams({ experiment_name: name });
    try {
      const answer = await request('GET', `experiments/get-by-name?${query.toString()}`);
      return answer.experiment?.experiment_id;
    } catch (error) {
      if (error instanceof MlflowRefusal && error.status === 404) return undefined;
      throw error;
    }
  }

  return {
    async experiment(name) {
      const found = await findExperiment(name);
      if (found !== undefined) return found;
      try {
        return present((await post('experiments/create', { name })).experiment_id);
      } catch (error) {
        // Another run may have made it meanwhile.
        if (!(error instanceof MlflowRefusal) || error.code !== 'RESOURCE_ALREADY_EXISTS') {
          throw error;
        }
        return present(await findExperiment(name));
      }
    },
    async createRun(experiment, name) {
      const answer = await post('runs/create', {
        experiment_id: experiment,
        run_name: name,
        start_time: Date.now(),
        tags: [{ key: 'mlflow.source.name', value: 'loop-diffusion' }],
      });
      return present(answer.run?.info?.run_id);
    },
    async logMetrics(run, metrics) {
      await post('runs/log-batch', { run_id: run, metrics });
    },
    async logParameters(run, parameters) {
      await post('runs/log-batch', { run_id: run, params: parameters });
    },
    async parameters(run) {
      const answer = await request(
        'GET',
        `runs/get?${new URLSearchParams({ run_id: run }).toString()}`,
      );
      return (answer.run?.data?.params ?? []).map(({ key }) => key);
    },
    async steps(run, metric) {
      const query = new URLSearchParams({ run_id: run, metric_key: metric });
      const answer = await request('GET', `metrics/get-history?${query.toString()}`);
      // Numbers of 64 bits are texts in some servers' JSON.
      return (answer.metrics ?? []).map(({ step = 0 }) => Number(step));
    },
    async updateRun(run, status) {
      const end = status === 'RUNNING' ? {} : { end_time: Date.now() };
      await post('runs/update', { run_id: run, status, ...end });
    },
  };
}

/** Every field that some answer has. */
interface Answer {
  readonly error_code?: string;
  readonly message?: string;
  readonly experiment_id?: string;
  readonly experiment?: { readonly experiment_id?: string };
  readonly run?: {
    readonly info?: { readonly run_id?: string };
    readonly data?: { readonly params?: readonly { readonly key: string }[] };
  };
  readonly metrics?: readonly { readonly step?: number | string }[];
}

/** What MLflow says about it, of a request that it refused. */
function refusalOf(error: unknown): MlflowRefusal | undefined {
  if (!(error instanceof HttpError) || error.answer === undefined) return undefined;
  const { status, text } = error.answer;
  const { error_code: code = '', message = error.message } = parseAnswer(text) ?? {};
  return new MlflowRefusal(status, code, message);
}

function parseAnswer(text: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** As a proxy answers for a server that is not there yet. */
function notJson(): never {
  throw new HttpError('not-json', 'the answer is not JSON', { retryable: true });
}

function present(id: string | undefined): string {
  if (id === undefined) throw new MlflowRefusal(502, '', 'the answer has no id');
  return id;
}

/** Whether the same request may succeed later. */
export function mayPass(error: unknown): boolean {
  return !(error instanceof MlflowRefusal) || isPassingStatus(error.status);
}

function authorization(): Record<string, string> {
  const { MLFLOW_TRACKING_TOKEN, MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD } = process.env;
  if (MLFLOW_TRACKING_TOKEN) return { authorization: `Bearer ${MLFLOW_TRACKING_TOKEN}` };
  if (!MLFLOW_TRACKING_USERNAME) return {};
  const pair = `${MLFLOW_TRACKING_USERNAME}:${MLFLOW_TRACKING_PASSWORD ?? ''}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
