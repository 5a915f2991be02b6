import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig } from '../configuration/schema';
import type { ResumePoint } from '../run/loop';
import { writeCheckpoint } from '../run-folder/checkpoint-folder';
import { configFileText } from '../run-folder/config-file';
import type { RunSummary } from '../run-folder/records';
import { UnfitCheckpoint } from '../run-folder/unfit-checkpoint';
import { captureOutput } from '../testing/captured-output';
import { exampleEvaluation, exampleIteration, exampleSummary } from '../testing/example-run';
import { nothingDrawn } from '../testing/nothing-drawn';
import { UserError } from '../user-error';
import { commandName } from '../terminal/command-name';
import { runCommandLine } from './run-command-line';

// Vega cannot be loaded in jest; what it draws has a test of its own.
jest.mock('../tracking/curves', () => ({
  renderCurves: () => Promise.resolve(new Uint8Array([1, 2, 3])),
}));

let base: string;
let run: string;
beforeEach(() => {
  // Which backend serves.
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
  base = mkdtempSync(join(tmpdir(), 'resume-'));
  run = join(base, 'run');
  mkdirSync(join(base, 'model'));
  writeFileSync(join(base, 'model', 'model_index.json'), '{}');
  mkdirSync(run);
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

/** As a run that was killed in its fourth iteration leaves it. */
function leaveRun(events: readonly object[] = EVENTS): void {
  const config = resolveConfig({
    model: join(base, 'model'),
    output: '/somewhere/else',
    backend: 'cpu',
    iterations: 5,
    tracking: { tensorboard: false },
  });
  writeFileSync(join(run, 'config.yaml'), configFileText(config));
  const lines = events.map((event) => `${JSON.stringify(event)}\n`);
  writeFileSync(join(run, 'events.jsonl'), lines.join(''));
}

const iteration = (index: number) => ({ event: 'iteration', ...exampleIteration(index) });
const evaluation = (name: string) => ({ event: 'evaluation', ...exampleEvaluation(name, 0.6) });
const EVENTS = [
  { event: 'start' },
  evaluation('before'),
  iteration(1),
  iteration(2),
  iteration(3),
  evaluation('iteration-3'),
];
const files = (text: string) => ({ 'state.json': new TextEncoder().encode(text) });

interface Ending {
  readonly failure?: Error;
  readonly interrupted?: boolean;
}

async function resume(...parts: readonly (string | Ending)[]) {
  const flags = parts.filter((part) => typeof part === 'string');
  const { failure, interrupted = false }: Ending = Object.assign(
    {},
    ...parts.filter((part) => typeof part === 'object'),
  );
  const output = captureOutput();
  const seen: { config: TrainConfig; from: ResumePoint | undefined }[] = [];
  const code = await runCommandLine(['resume', run, ...flags], {
    output,
    exit: () => undefined,
    loadCore: () =>
      Promise.resolve({
        async train(config, recorder, _signal, from) {
          seen.push({ config, from });
          from?.onDifference('threads was 8 and is 2');
          const iteration = (from?.checkpoint?.step ?? 0) + 1;
          await recorder.iteration(exampleIteration(iteration), nothingDrawn);
          if (failure !== undefined) throw failure;
          const { iterations } = config;
          const summary: RunSummary = { ...exampleSummary(), iterations, interrupted };
          await recorder.finish(summary);
          return summary;
        },
        sampleImages: () => Promise.reject(new Error('not expected')),
        evaluateModel: () => Promise.reject(new Error('not expected')),
        measureBatches: () => Promise.reject(new Error('not expected')),
        gradientVariance: () => Promise.reject(new Error('not expected')),
      }),
  });
  return { code, error: output.errorText(), seen: seen[0] };
}

const recorded = () =>
  readFileSync(join(run, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; iteration?: number });

test('goes on from the newest whole checkpoint, and says which were not', async () => {
  leaveRun();
  for (const step of [1, 2, 3]) writeCheckpoint(join(run, 'checkpoints'), step, files(`${step}`));
  writeFileSync(join(run, 'checkpoints', 'step-3', 'state.json'), 'x');
  mkdirSync(join(run, 'checkpoints', 'step-4.tmp'));
  const { code, error, seen } = await resume();
  expect(code).toBe(0);
  expect(error).toContain("step-3' cannot be used: state.json is not what was written");
  expect(error).toContain('Going on after 2 of 5 iterations.');
  expect(error).toContain('Not exactly as it would have gone on: threads was 8 and is 2.');
  expect(seen?.from?.checkpoint?.step).toBe(2);
  // The folder may have been moved.
  expect(seen?.config).toMatchObject({ output: run, iterations: 5 });
  // What came after the checkpoint is done anew.
  expect(seen?.from?.evaluations.map(({ name }) => name)).toEqual(['before']);
  expect(recorded().map(({ event }) => event)).toEqual([
    ...EVENTS.map(({ event }) => event),
    ...['resume', 'iteration', 'finish'],
  ]);
  expect(existsSync(join(run, 'checkpoints', 'step-4.tmp'))).toBe(false);
  expect(existsSync(join(run, 'run.lock'))).toBe(false);
});

test('begins again where there is no checkpoint', async () => {
  leaveRun();
  const { code, error, seen } = await resume();
  expect(code).toBe(0);
  expect(error).toContain('the run begins again');
  expect(seen?.from?.checkpoint).toBeUndefined();
  expect(seen?.from?.evaluations.map(({ name }) => name)).toEqual(['before']);
});

test('does not begin again where there is something to lose', async () => {
  leaveRun();
  writeCheckpoint(join(run, 'checkpoints'), 2, files('2'));
  writeFileSync(join(run, 'checkpoints', 'step-2', 'state.json'), 'x');
  const damaged = await resume('--quiet');
  expect([damaged.code, damaged.seen]).toEqual([1, undefined]);
  expect(damaged.error).toContain(
    "step-2' cannot be used: state.json is not what was written. There",
  );
  rmSync(join(run, 'checkpoints'), { recursive: true });

  const summary = { iterations: 5, interrupted: false };
  leaveRun([...EVENTS, iteration(4), iteration(5), { event: 'finish', summary }]);
  const without = await resume('--iterations', '8');
  expect([without.code, without.seen]).toEqual([1, undefined]);
  expect(without.error).toContain('There is nothing that the run');
});

test('a finished run is left alone, and goes on where more iterations are asked for', async () => {
  const summary = { iterations: 5, interrupted: false };
  leaveRun([
    ...EVENTS,
    iteration(4),
    iteration(5),
    evaluation('after'),
    { event: 'finish', summary },
  ]);
  writeCheckpoint(join(run, 'checkpoints'), 5, files('5'));
  const { code, error } = await resume();
  expect(code).toBe(1);
  expect(error).toContain('has done 5 iterations; --iterations takes a larger number');
  expect((await resume('--iterations', '3')).error).toContain('has done 5 iterations;');

  const more = await resume('--iterations', '8');
  expect(more.code).toBe(0);
  expect(more.seen?.config.iterations).toBe(8);
  // The old end is none any more.
  expect(more.seen?.from?.evaluations.map(({ name }) => name)).toEqual(['before', 'iteration-3']);
  expect(readFileSync(join(run, 'config.yaml'), 'utf8')).toContain('iterations: 8');
});

test('one that is interrupted or fails again says how to go on, and nothing else does', async () => {
  leaveRun();
  const goOn = `To go on: ${commandName()} resume ${run}\n`;
  expect((await resume()).error).not.toContain('To go on');
  leaveRun();
  const failed = await resume({ failure: new UserError('The disk is full') });
  expect(failed.code).toBe(1);
  expect(failed.error).toMatch(new RegExp(`The disk is full\\.\\n${goOn}$`));
  leaveRun();
  const unfit = await resume({ failure: new UnfitCheckpoint('It is of another model') });
  expect(unfit).toMatchObject({ code: 1, error: expect.stringMatching(/another model\.\n$/) });
  leaveRun();
  const interrupted = await resume({ interrupted: true });
  expect(interrupted.code).toBe(130);
  expect(interrupted.error.endsWith(goOn)).toBe(true);
});

test('one that was interrupted or only lacks its last evaluation goes on', async () => {
  const summary = { iterations: 5, interrupted: true };
  leaveRun([...EVENTS, iteration(4), iteration(5), { event: 'finish', summary }]);
  writeCheckpoint(join(run, 'checkpoints'), 5, files('5'));
  const { code, seen } = await resume();
  expect(code).toBe(0);
  expect(seen?.from?.checkpoint?.step).toBe(5);
});

test.each([
  ['no run', () => undefined, 'it has no config.yaml'],
  [
    'a damaged event file',
    () => {
      leaveRun();
      writeFileSync(join(run, 'events.jsonl'), '{"event":\n{"event":"start"}\n');
    },
    'is damaged in line 1',
  ],
  [
    'a configuration that is none',
    () => {
      leaveRun();
      writeFileSync(join(run, 'config.yaml'), 'sede: 1\n');
    },
    "did you mean 'seed'",
  ],
])('%s is refused in one sentence', async (_, prepare, text) => {
  prepare();
  const { code, error } = await resume();
  expect(code).toBe(1);
  expect(error).toContain(text);
  expect(error.trim().split('\n').length).toBe(1);
  expect(existsSync(join(run, 'run.lock'))).toBe(false);
});
