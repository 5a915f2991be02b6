import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { resolveConfig } from '../../configuration/resolve-config';
import { exampleEvaluation, exampleIteration, exampleSummary } from '../../testing/example-run';
import type { TrackingSink } from '../tracking-sink';
import { createWandbSink } from './wandb-sink';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

/** Statements in the SDK's functions. */
interface SdkParts {
  readonly init?: string | undefined;
  readonly log?: string | undefined;
  readonly finish?: string | undefined;
}

/** With the exports of @wandb/sdk 0.5.1; what it is asked is kept in a file. */
function writeSdk({ init = '', log = '', finish = '' }: SdkParts = {}): string {
  const path = join(base, 'sdk.cjs');
  writeFileSync(
    path,
    `
    const { appendFileSync } = require('node:fs');
    const note = (call) => appendFileSync(${JSON.stringify(join(base, 'calls'))}, JSON.stringify(call) + '\\n');
    process.once('SIGINT', () => process.exit());
    exports.wandb = {
      async init(options) {
        note({ init: options });
        ${init}
        return {
          log(row, step) { note({ log: row, step }); ${log} },
          async finish(code) { note({ finish: code }); ${finish} },
        };
      },
    };`,
  );
  return path;
}

interface Call {
  readonly init?: Record<string, unknown>;
  readonly log?: Record<string, number>;
  readonly step?: number;
  readonly finish?: number;
}

function calls(): Call[] {
  const lines = readFileSync(join(base, 'calls'), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Call);
}

const config = resolveConfig({}, []);

function openSink(sdk: string, warnings: string[] = []): TrackingSink {
  return createWandbSink({
    ...{ project: 'shapes', name: 'my-run', config, sdk },
    warn: (text) => warnings.push(text),
    finishDeadline: 1000,
  });
}

test('a run arrives with its configuration, a row a step, and its end', async () => {
  const interruptions = process.listenerCount('SIGINT');
  const sink = openSink(writeSdk());
  sink.evaluation(exampleEvaluation('before', 0.6), 0);
  sink.evaluation(exampleEvaluation('best-before', 0.7, 2), 0);
  sink.iteration({ ...exampleIteration(1), loss: Number.NaN });
  sink.iteration(exampleIteration(2));
  await sink.finish(exampleSummary());
  sink.close();

  const [init, ...rest] = calls();
  expect(init).toMatchObject({
    init: { project: 'shapes', name: 'my-run', config: { seed: 0 }, settings: { silent: true } },
  });
  expect(rest.map(({ step, finish }) => step ?? { finish })).toEqual([0, 1, 2, 150, { finish: 0 }]);
  expect(rest[0]!.log).toMatchObject({ 'held_out/mean': 0.6, 'best-before/mean': 0.7 });
  expect(rest[1]!.log).not.toHaveProperty('loss');
  expect(rest[2]!.log).toMatchObject({ loss: -1e-4 });
  // Ctrl-C stays the run's own.
  expect(process.listenerCount('SIGINT')).toBe(interruptions);
});

test.each([
  ['cannot start', { init: "throw new Error('No API key found');" }, 'No API key found'],
  ['prints errors', { log: "console.error('Fatal error: ', new Error('gone'));" }, 'gone'],
  [
    'fails where nobody catches it',
    {
      init: "setTimeout(() => { throw new Error('Failed to upsert run'); }); await new Promise(() => {});",
    },
    'Failed to upsert run',
  ],
  ['never ends', { finish: 'await new Promise(() => {});' }, 'no answer within 1 s'],
])('an SDK that %s costs one warning', async (_, parts, reason) => {
  const warnings: string[] = [];
  const sink = openSink(writeSdk(parts), warnings);
  sink.iteration(exampleIteration(1));
  sink.iteration(exampleIteration(2));
  await sink.finish(exampleSummary());
  expect(warnings).toEqual([expect.stringContaining(reason)]);
  expect(warnings[0]).toContain('events.jsonl has every figure');
});

test('a run that fails is marked so, and one without reports starts nothing', async () => {
  openSink(writeSdk()).close();
  expect(existsSync(join(base, 'calls'))).toBe(false);
  const sink = openSink(writeSdk());
  sink.iteration(exampleIteration(1));
  sink.close();
  while (!existsSync(join(base, 'calls')) || calls().at(-1)?.finish !== 1) await setTimeout(5);
});
