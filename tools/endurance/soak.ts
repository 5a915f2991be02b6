/**
 * A long run at the smallest size, watched from outside: its memory, tensors and open files must not grow, and what it writes
 * must be readable at any moment.
 *
 *   node -C @loop/source --import tsx tools/endurance/soak.ts [--minutes 30] [--out FILE.json] [CONFIG.yaml]
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { startCommand } from './command-line';
import { SMALL_CONFIG } from './killed-run';

interface Sample {
  readonly seconds: number;
  readonly iterations: number;
  readonly residentMegabytes: number;
  readonly files: number;
  readonly tensors: number;
}

const SECONDS_BETWEEN_SAMPLES = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '30' }, out: { type: 'string' } },
});
const folder = mkdtempSync(join(tmpdir(), 'soak-'));
const run = join(folder, 'run');
const config = positionals[0] ?? join(folder, 'config.yaml');
if (positionals.length === 0) writeFileSync(config, SMALL_CONFIG);
const settings = [
  'iterations=1000000',
  `output=${JSON.stringify(run)}`,
  'optimizer.schedule=constant',
];
const { child, ended } = startCommand([
  'train',
  config,
  ...settings.flatMap((setting) => ['--set', setting]),
  '--json',
]);

const samples: Sample[] = [];
const started = performance.now();
const seconds = () => (performance.now() - started) / 1000;
while (seconds() < Number(values.minutes) * 60) {
  const end = await Promise.race([sleep(SECONDS_BETWEEN_SAMPLES * 1000), ended]);
  if (end !== undefined) throw new Error(`The run ended: ${end.errors}`);
  const sample = look(child.pid ?? 0);
  if (sample === undefined) continue;
  samples.push(sample);
  process.stderr.write(`\r${JSON.stringify(sample)}  `);
}
const stopping = performance.now();
child.kill('SIGTERM');
const { code } = await ended;
const secondsToStop = (performance.now() - stopping) / 1000;

// The first fifth warms up: code is compiled, pools fill.
const settled = samples.slice(Math.floor(samples.length / 5));
const third = Math.floor(settled.length / 3);
const [early, late] = [settled.slice(0, third), settled.slice(-third)];
const middle = (part: readonly Sample[], key: keyof Sample): number =>
  part.map((sample) => sample[key]).sort((a, b) => a - b)[Math.floor(part.length / 2)] ??
  Number.NaN;
const keys = ['residentMegabytes', 'files', 'tensors'] as const;
const report = {
  minutes: Number(values.minutes),
  iterations: samples.at(-1)?.iterations,
  exitCode: code,
  secondsToStop,
  ...Object.fromEntries(
    keys.map((key) => [key, { early: middle(early, key), late: middle(late, key) }]),
  ),
};
if (values.out !== undefined) writeFileSync(values.out, JSON.stringify({ report, samples }));
rmSync(folder, { recursive: true });
console.log(JSON.stringify(report, null, 2));

/** @returns undefined until the first iteration is done */
function look(pid: number): Sample | undefined {
  const path = join(run, 'events.jsonl');
  if (!existsSync(path)) return undefined;
  // Every line but one that is being written is whole.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const events = lines.map(
    (line) => JSON.parse(line) as { event: string; iteration?: number; tensors?: number },
  );
  const last = events.findLast(({ event }) => event === 'iteration');
  if (last === undefined) return undefined;
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return {
    seconds: Math.round(seconds()),
    iterations: last.iteration ?? 0,
    residentMegabytes: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1000),
    files: readdirSync(`/proc/${String(pid)}/fd`).length,
    tensors: last.tensors ?? 0,
  };
}
