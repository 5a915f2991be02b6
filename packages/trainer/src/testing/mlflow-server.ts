/** What an MLflow tracking server does with the requests of a run, for tests. */
import type { ServerResponse } from 'node:http';

import {
  startLoopbackServer,
  type LoopbackRequest,
  type LoopbackServer,
} from '@loop-diffusion/hub/testing';

export interface FakeMlflow extends LoopbackServer {
  readonly experiments: Map<string, string>;
  readonly runs: Map<string, FakeMlflowRun>;
}

export interface FakeMlflowRun {
  readonly experiment: string;
  readonly name: string;
  status: string;
  readonly metrics: { key: string; value: number; step: number }[];
  readonly parameters: Record<string, string>;
}

interface Body {
  readonly name?: string;
  readonly experiment_id?: string;
  readonly run_name?: string;
  readonly run_id?: string;
  readonly status?: string;
  readonly metrics?: FakeMlflowRun['metrics'];
  readonly params?: { key: string; value: string }[];
}

/** @param misbehave answers by itself and returns true, or leaves the request to the server */
export async function startFakeMlflow(
  misbehave: (request: LoopbackRequest, response: ServerResponse) => boolean = () => false,
): Promise<FakeMlflow> {
  const experiments = new Map<string, string>();
  const runs = new Map<string, FakeMlflowRun>();
  const server = await startLoopbackServer((request, response) => {
    if (misbehave(request, response)) return;
    const [status, answer] = handle(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  });

  function handle({ path, body }: LoopbackRequest): [status: number, answer: object] {
    const { pathname, searchParams } = new URL(path, 'http://localhost');
    const fields = (body ?? {}) as Body;
    const run = runs.get(fields.run_id ?? searchParams.get('run_id') ?? '');
    switch (pathname.replace('/api/2.0/mlflow/', '')) {
      case 'experiments/get-by-name': {
        const id = experiments.get(searchParams.get('experiment_name') ?? '');
        return id === undefined
          ? [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'no such experiment' }]
          : [200, { experiment: { experiment_id: id } }];
      }
      case 'experiments/create': {
        const id = String(experiments.size + 1);
        experiments.set(fields.name ?? '', id);
        return [200, { experiment_id: id }];
      }
      case 'runs/create': {
        const id = `run${String(runs.size + 1)}`;
        const { experiment_id: experiment = '', run_name: name = '' } = fields;
        runs.set(id, { experiment, name, status: 'RUNNING', metrics: [], parameters: {} });
        return [200, { run: { info: { run_id: id } } }];
      }
      case 'runs/get': {
        if (run === undefined) break;
        const params = Object.entries(run.parameters).map(([key, value]) => ({ key, value }));
        return [200, { run: { data: { params } } }];
      }
      case 'metrics/get-history': {
        if (run === undefined) break;
        const key = searchParams.get('metric_key');
        return [200, { metrics: run.metrics.filter((metric) => metric.key === key) }];
      }
      case 'runs/update':
        if (run === undefined) break;
        run.status = fields.status ?? '';
        return [200, {}];
      case 'runs/log-batch':
        if (run === undefined) break;
        if ((fields.metrics ?? []).length > 1000 || (fields.params ?? []).length > 100) {
          return [400, { error_code: 'INVALID_PARAMETER_VALUE', message: 'too many' }];
        }
        run.metrics.push(...(fields.metrics ?? []));
        for (const { key, value } of fields.params ?? []) {
          if ((run.parameters[key] ?? value) !== value) {
            return [400, { error_code: 'INVALID_PARAMETER_VALUE', message: `${key} was logged` }];
          }
          run.parameters[key] = value;
        }
        return [200, {}];
    }
    return [404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'not found' }];
  }

  return { ...server, experiments, runs };
}
