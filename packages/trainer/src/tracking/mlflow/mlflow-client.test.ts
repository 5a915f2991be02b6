import type { ServerResponse } from 'node:http';

import type { LoopbackRequest } from '@loop-diffusion/hub/testing';

import { startFakeMlflow, type FakeMlflow } from '../../testing/mlflow-server';
import { createMlflowClient, MlflowRefusal } from './mlflow-client';

let server: FakeMlflow | undefined;
afterEach(async () => {
  await server?.close();
  for (const name of ['TOKEN', 'USERNAME', 'PASSWORD']) {
    Reflect.deleteProperty(process.env, `MLFLOW_TRACKING_${name}`);
  }
});

const quick = { deadline: 300, pauses: [1, 1] };

type Misbehaviour = (response: ServerResponse) => void;

/** Misbehaves with the first requests, each in its way, and then no more. */
async function startMisbehaving(...ways: Misbehaviour[]): Promise<FakeMlflow> {
  server = await startFakeMlflow((_: LoopbackRequest, response) => {
    const way = ways.shift();
    way?.(response);
    return way !== undefined;
  });
  return server;
}

const never: Misbehaviour = () => undefined;
const hangUp: Misbehaviour = (response) => response.destroy();
const busy: Misbehaviour = (response) => response.writeHead(503).end('<html>busy</html>');
const nonsense: Misbehaviour = (response) => response.writeHead(200).end('<html>a proxy</html>');

test('an experiment is found by its name, and made when there is none', async () => {
  server = await startFakeMlflow();
  const client = createMlflowClient(`${server.url}/`, quick);
  expect(await client.experiment('a & b')).toBe('1');
  expect(await client.experiment('a & b')).toBe('1');
  expect([...server.experiments]).toEqual([['a & b', '1']]);
});

test('an experiment that another run makes at the same time is taken', async () => {
  let asked = 0;
  server = await startFakeMlflow(({ path }, response) => {
    if (!path.includes('experiments')) return false;
    asked += 1;
    if (asked === 2) {
      server!.experiments.set('shared', '7');
      response.writeHead(400).end('{"error_code": "RESOURCE_ALREADY_EXISTS"}');
      return true;
    }
    return false;
  });
  expect(await createMlflowClient(server.url, quick).experiment('shared')).toBe('7');
});

test('silence, a lost connection and a busy server are tried again', async () => {
  const { url, requests } = await startMisbehaving(never, hangUp);
  expect(await createMlflowClient(url, quick).createRun('1', 'x')).toBe('run1');
  expect(requests).toHaveLength(3);
});

test.each([
  ['within 300 ms', never],
  ['No answer from http://', hangUp],
  ['answered 503', busy],
  ['the answer is not JSON', nonsense],
])('"%s" is given up after three attempts', async (message, way) => {
  const { url, requests } = await startMisbehaving(way, way, way, way);
  await expect(createMlflowClient(url, quick).createRun('1', 'x')).rejects.toThrow(message);
  expect(requests).toHaveLength(3);
});

test('what the server refuses is not asked again', async () => {
  const { url, requests } = await startMisbehaving((response) =>
    response.writeHead(400).end('{"error_code": "INVALID", "message": "a wrong key"}'),
  );
  const refusal = await createMlflowClient(url, quick)
    .createRun('1', 'x')
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(MlflowRefusal);
  expect(refusal).toMatchObject({ status: 400, code: 'INVALID', message: 'a wrong key' });
  expect(requests).toHaveLength(1);
});

test('a signal ends the attempts', async () => {
  const { url } = await startMisbehaving(never, never, never);
  const end = new AbortController();
  const asked = createMlflowClient(url, { deadline: 60_000, signal: end.signal }).createRun(
    '1',
    'x',
  );
  setTimeout(() => {
    end.abort(new Error('enough'));
  }, 50);
  await expect(asked).rejects.toThrow('enough');
});

test('the environment says who asks', async () => {
  server = await startFakeMlflow();
  const client = createMlflowClient(server.url, quick);
  await client.createRun('1', 'x');
  process.env['MLFLOW_TRACKING_USERNAME'] = 'me';
  process.env['MLFLOW_TRACKING_PASSWORD'] = 'secret';
  await client.createRun('1', 'x');
  process.env['MLFLOW_TRACKING_TOKEN'] = 'token';
  await client.createRun('1', 'x');
  expect(server.requests.map(({ headers }) => headers.authorization)).toEqual([
    undefined,
    'Basic bWU6c2VjcmV0',
    'Bearer token',
  ]);
});
