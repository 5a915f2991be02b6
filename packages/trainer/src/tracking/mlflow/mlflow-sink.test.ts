import { setTimeout } from 'node:timers/promises';

import { resolveConfig } from '../../configuration/resolve-config';
import { exampleEvaluation, exampleIteration, exampleSummary } from '../../testing/example-run';
import { startFakeMlflow, type FakeMlflow } from '../../testing/mlflow-server';
import { iterationScalars } from '../scalars';
import type { TrackingSink } from '../tracking-sink';
import { createMlflowClient } from './mlflow-client';
import { createMlflowSink, type MlflowSinkOptions } from './mlflow-sink';

const config = resolveConfig({ rewards: [{ name: 'shapes' }] }, []);

let server: FakeMlflow | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface OpenSink {
  readonly sink: TrackingSink;
  readonly warnings: string[];
  /** The run that is remembered. */
  remembered(): string | undefined;
}

function openSink(
  url: string,
  remembered?: string,
  more: Partial<MlflowSinkOptions> = {},
): OpenSink {
  const warnings: string[] = [];
  const sink = createMlflowSink({
    ...{ url, experiment: 'shapes', name: 'my-run', config },
    memory: {
      read: () => remembered,
      write: (run) => {
        remembered = run;
      },
    },
    warn: (text) => warnings.push(text),
    finishDeadline: 2000,
    client: (signal) => createMlflowClient(url, { signal, deadline: 300, pauses: [1, 1] }),
    ...more,
  });
  return { sink, warnings, remembered: () => remembered };
}

test('a run arrives whole: its configuration, every figure, and how it ended', async () => {
  server = await startFakeMlflow();
  const { sink, warnings, remembered } = openSink(server.url);
  sink.evaluation(exampleEvaluation('before', 0.6), 0);
  for (let iteration = 1; iteration <= 60; iteration += 1)
    sink.iteration(exampleIteration(iteration));
  await sink.finish(exampleSummary());
  sink.close();

  expect(warnings).toEqual([]);
  expect([...server.experiments.keys()]).toEqual(['shapes']);
  expect(remembered()).toBe('run1');
  const run = server.runs.get('run1')!;
  expect(run).toMatchObject({ name: 'my-run', status: 'FINISHED' });
  expect(run.parameters).toMatchObject({
    'algorithm.k': '4',
    'evaluate.steps': 'null',
    rewards: '[{"name":"shapes","weight":1,"policy":"mask","scale":"none","settings":{}}]',
  });
  // More than a thousand metrics were waiting for the first answer.
  const iterations = run.metrics.filter(({ step }) => step > 0 && step <= 60);
  const expected = iterationScalars(exampleIteration(7));
  expect(iterations).toHaveLength(60 * Object.keys(expected).length);
  const seventh = iterations.filter(({ step }) => step === 7);
  expect(Object.fromEntries(seventh.map(({ key, value }) => [key, value]))).toEqual(expected);
  expect(run.metrics.filter(({ step }) => step === 150).map(({ key }) => key)).toEqual([
    'held_out/gain',
    'held_out/gain_standard_error',
    'held_out/best_gain',
    'held_out/best_gain_standard_error',
  ]);
});

test('a figure that is none is left out, and names are those that MLflow takes', async () => {
  server = await startFakeMlflow();
  const { sink } = openSink(server.url);
  const record = exampleIteration(1);
  sink.iteration({
    ...record,
    loss: Number.NaN,
    reward: { ...record.reward, components: { 'color: red?': 1 } },
  });
  await sink.finish(exampleSummary());
  const keys = server.runs.get('run1')!.metrics.map(({ key }) => key);
  expect(keys).toContain('reward/color_ red_');
  expect(keys).not.toContain('loss');
});

test('a server that is not there costs one warning and no time', async () => {
  const gone = await startFakeMlflow();
  await gone.close();
  const { sink, warnings } = openSink(gone.url);
  // Reports return at once: nothing is waited for, and what cannot be reached is no error of theirs.
  for (const iteration of [1, 2, 3]) sink.iteration(exampleIteration(iteration));
  await sink.finish(exampleSummary());
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(
    /^MLflow at http:.*ECONNREFUSED.*; the run goes on, what was not taken is sent again with later figures, and events\.jsonl has every figure$/,
  );
});

test('a server that never answers is given up at the end', async () => {
  server = await startFakeMlflow(() => true);
  const { sink, warnings } = openSink(server.url);
  sink.iteration(exampleIteration(1));
  await sink.finish(exampleSummary());
  expect(warnings).toHaveLength(1);
});

test('what a server missed while it was away is sent when it is back', async () => {
  let away = true;
  server = await startFakeMlflow((_, response) => {
    if (away) response.destroy();
    return away;
  });
  const { sink, warnings } = openSink(server.url);
  sink.iteration(exampleIteration(1));
  while (warnings.length === 0) await setTimeout(5);
  away = false;
  sink.iteration(exampleIteration(2));
  await sink.finish(exampleSummary());
  expect(warnings).toHaveLength(1);
  const steps = new Set(server.runs.get('run1')!.metrics.map(({ step }) => step));
  expect([...steps]).toEqual([1, 2, 150]);
});

test('what a server refuses is not sent for ever', async () => {
  let refused = 0;
  server = await startFakeMlflow(({ path, body }, response) => {
    const refuse = path.endsWith('log-batch') && 'metrics' in (body as object) && refused++ === 0;
    if (refuse) response.writeHead(400).end('{"error_code": "BAD", "message": "no such thing"}');
    return refuse;
  });
  const { sink, warnings } = openSink(server.url);
  sink.iteration(exampleIteration(1));
  while (warnings.length === 0) await setTimeout(5);
  sink.iteration(exampleIteration(2));
  await sink.finish(exampleSummary());
  expect(warnings).toEqual([expect.stringContaining('no such thing')]);
  const steps = new Set(server.runs.get('run1')!.metrics.map(({ step }) => step));
  expect([...steps]).toEqual([2, 150]);
});

test('a resumed run goes on in its run, and in a new one when that was deleted', async () => {
  server = await startFakeMlflow();
  const first = openSink(server.url);
  first.sink.iteration(exampleIteration(1));
  await first.sink.finish({ ...exampleSummary(), interrupted: true });
  expect(server.runs.get('run1')!.status).toBe('KILLED');

  const second = openSink(server.url, first.remembered());
  second.sink.iteration(exampleIteration(2));
  await second.sink.finish(exampleSummary());
  expect(second.remembered()).toBe('run1');
  expect(server.runs.get('run1')!.status).toBe('FINISHED');

  server.runs.clear();
  const third = openSink(server.url, 'run1');
  third.sink.iteration(exampleIteration(3));
  await third.sink.finish(exampleSummary());
  expect(third.warnings).toEqual([]);
  expect(server.runs.get('run1')!.metrics[0]!.step).toBe(3);
});

test('parameters that did not arrive are sent again, also by a resumed run', async () => {
  let refused = 0;
  server = await startFakeMlflow(({ path, body }, response) => {
    const refuse = path.endsWith('log-batch') && 'params' in (body as object) && refused++ < 3;
    if (refuse) response.writeHead(503).end('{"message": "busy"}');
    return refuse;
  });
  const first = openSink(server.url);
  first.sink.iteration(exampleIteration(1));
  while (first.warnings.length === 0) await setTimeout(5);
  const run = server.runs.get('run1')!;
  expect(run.parameters).toEqual({});

  const second = openSink(server.url, first.remembered());
  second.sink.iteration(exampleIteration(2));
  await second.sink.finish({ ...exampleSummary(), interrupted: true });
  expect(run.parameters).toMatchObject({ iterations: '150', 'algorithm.k': '4' });

  // MLflow's parameters cannot be changed: those that it has are left as they are.
  const longer = { config: { ...config, iterations: 200 } };
  const third = openSink(server.url, first.remembered(), longer);
  third.sink.iteration(exampleIteration(3));
  await third.sink.finish(exampleSummary());
  expect(third.warnings).toEqual([]);
  expect(run.parameters['iterations']).toBe('150');

  const fourth = openSink(server.url);
  fourth.sink.iteration(exampleIteration(1));
  await fourth.sink.finish(exampleSummary());
  expect(server.runs.get('run2')!.parameters).toMatchObject({ iterations: '150' });
});

test('a resumed run leaves out what the server has, and sends what it missed', async () => {
  server = await startFakeMlflow();
  const first = openSink(server.url);
  first.sink.evaluation(exampleEvaluation('before', 0.6), 0);
  for (const iteration of [1, 2, 4, 5]) first.sink.iteration(exampleIteration(iteration));
  const run = () => server!.runs.get('run1');
  while (run()?.metrics.at(-1)?.step !== 5) await setTimeout(5);

  // Killed after iteration 5, it goes on from the checkpoint of iteration 4.
  const history = {
    iterations: [1, 2, 3, 4].map(exampleIteration),
    evaluations: [{ iteration: 0, record: exampleEvaluation('before', 0.6) }],
  };
  const second = openSink(server.url, first.remembered(), { history });
  for (const iteration of [5, 6]) second.sink.iteration(exampleIteration(iteration));
  second.sink.evaluation(exampleEvaluation('after', 0.7), 6);
  await second.sink.finish(exampleSummary());

  const steps = (key: string) =>
    run()!
      .metrics.filter((metric) => metric.key === key)
      .map(({ step }) => step)
      .sort((left, right) => left - right);
  for (const key of ['reward/mean', 'images', 'loss'])
    expect(steps(key)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(steps('held_out/mean')).toEqual([0, 6]);
  expect(second.warnings).toEqual([]);
});

test('a run that fails is marked so', async () => {
  server = await startFakeMlflow();
  const { sink } = openSink(server.url);
  sink.iteration(exampleIteration(1));
  while ((server.runs.get('run1')?.metrics.length ?? 0) === 0) await setTimeout(5);
  sink.close();
  while (server.runs.get('run1')!.status === 'RUNNING') await setTimeout(5);
  expect(server.runs.get('run1')!.status).toBe('FAILED');
});
