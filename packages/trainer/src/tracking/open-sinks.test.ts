import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { resolveConfig } from '../configuration/resolve-config';
import { createRunFolder, type RunFolder } from '../run-folder/run-folder';
import { exampleIteration, exampleSummary } from '../testing/example-run';
import { startFakeMlflow } from '../testing/mlflow-server';
import { openSinks } from './open-sinks';

let base: string;
let folder: RunFolder;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  folder = createRunFolder(join(base, 'my-run'));
});
afterEach(() => {
  folder.events.close();
  rmSync(base, { recursive: true });
});

const NOTHING_ELSE = ['tracking.tensorboard=false'];

test('by default TensorBoard alone, and nothing when it is turned off', () => {
  const warn = () => undefined;
  expect(openSinks(folder, resolveConfig({}, []), { warn })).toHaveLength(1);
  expect(openSinks(folder, resolveConfig({}, NOTHING_ELSE), { warn })).toEqual([]);
});

test('a package that is missing ends the run before it begins', () => {
  const config = resolveConfig({}, ['tracking.wandb.project=x']);
  expect(() => openSinks(folder, config, { warn: () => undefined })).toThrow(
    'tracking.wandb needs the package @wandb/sdk',
  );
});

test('a sink that fails costs one warning, and what comes later is tried again', () => {
  const blocked = join(folder.path, 'tensorboard');
  writeFileSync(blocked, 'a file stands in the way');
  const warnings: string[] = [];
  const [sink] = openSinks(folder, resolveConfig({}, []), { warn: (text) => warnings.push(text) });
  sink!.iteration(exampleIteration(1));
  sink!.iteration(exampleIteration(2));
  expect(warnings).toEqual([
    expect.stringMatching(/^Cannot make .*; the run goes on, and events\.jsonl has every figure$/),
  ]);
  rmSync(blocked);
  sink!.iteration(exampleIteration(3));
  sink!.close();
  expect(existsSync(blocked)).toBe(true);
  expect(warnings).toHaveLength(1);
});

test('the run on the MLflow server is remembered, for this server and experiment', async () => {
  const server = await startFakeMlflow();
  const config = resolveConfig({}, [...NOTHING_ELSE, `tracking.mlflow.url=${server.url}`]);
  const other = resolveConfig({ tracking: { ...config.tracking } }, [
    'tracking.mlflow.experiment=other',
  ]);
  const file = join(folder.path, 'mlflow.json');
  const runOnce = async (run: typeof config, resumedFrom?: number) => {
    const [sink] = openSinks(folder, run, { resumedFrom, warn: () => undefined });
    sink!.iteration(exampleIteration((resumedFrom ?? 0) + 1));
    await sink!.finish(exampleSummary());
    return (JSON.parse(readFileSync(file, 'utf8')) as { run: string }).run;
  };
  expect(await runOnce(config)).toBe('run1');
  expect(await runOnce(config, 1)).toBe('run1');
  expect(server.runs.get('run1')!.name).toBe('my-run');
  expect(await runOnce(other, 1)).toBe('run2');
  writeFileSync(file, '{');
  expect(await runOnce(config, 2)).toBe('run3');
  await server.close();
});
