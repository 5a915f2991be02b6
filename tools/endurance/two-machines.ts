/**
 * Two workers in network namespaces of their own, which are machines as far as a network goes: over a link with a delay, over one
 * that loses packets as well, they must end with the weights of two on one machine, and both must end where the link is cut. Needs
 * Linux and root.
 *
 *   node -C @loop/source --import tsx tools/endurance/two-machines.ts [CONFIG.yaml]
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { startCommand, type Ended } from './command-line';
import { SMALL_CONFIG } from './killed-run';

const MACHINES = ['loop-one', 'loop-two'];
const ADDRESSES = ['10.213.7.1', '10.213.7.2'];
const PATIENCE_SECONDS = '10';

const folder = mkdtempSync(join(tmpdir(), 'machines-'));
const config = process.argv[2] ?? join(folder, 'small.yaml');
if (process.argv[2] === undefined) {
  writeFileSync(config, `${SMALL_CONFIG}iterations: 12\ncheckpoint: {every: 3}\n`);
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

async function startLink(delaySeconds: number, loss: number): Promise<ChildProcess> {
  const ends = MACHINES.flatMap((machine, index) => [machine, ADDRESSES[index]!]);
  const program = fileURLToPath(new URL('link.py', import.meta.url));
  const link = spawn('python3', [program, ...ends, String(delaySeconds), String(loss)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(link, 'close').then(() => {
    throw new Error('The link ended before it was there.');
  });
  ended.catch(() => undefined);
  await Promise.race([once(link.stdout, 'data'), ended]);
  return link;
}

interface Outcome {
  readonly seconds: number;
  readonly ends: readonly Ended[];
}

const train = (name: string) => [
  ...['train', config, '--json', '--worker-patience', PATIENCE_SECONDS],
  ...['--set', `output=${JSON.stringify(join(folder, name))}`],
];

/** @param meanwhile is given the link */
async function trainOnTwo(
  name: string,
  delaySeconds: number,
  loss: number,
  meanwhile: (link: ChildProcess) => Promise<void> = () => Promise.resolve(),
): Promise<Outcome> {
  for (const machine of MACHINES) ip('netns', 'add', machine);
  try {
    const link = await startLink(delaySeconds, loss);
    const started = Date.now();
    const workers = ADDRESSES.map((address) => `${address}:2222`);
    const processes = MACHINES.map((machine, index) =>
      startCommand(train(name), {
        program: ['ip', 'netns', 'exec', machine],
        environment: {
          TF_CONFIG: JSON.stringify({
            cluster: { worker: workers },
            task: { type: 'worker', index },
          }),
        },
      }),
    );
    await meanwhile(link);
    const ends = await Promise.all(processes.map(({ ended }) => ended));
    link.kill();
    return { seconds: (Date.now() - started) / 1000, ends };
  } finally {
    for (const machine of MACHINES) ip('netns', 'del', machine);
  }
}

const weights = (name: string) =>
  readFileSync(join(folder, name, 'adapter', 'pytorch_lora_weights.safetensors'));
const lastWords = ({ code, errors }: Ended) =>
  `${String(code)}: ${errors.trim().split('\n').slice(-3).join(' / ')}`;

const report: Record<string, unknown> = {};
const local = await startCommand([...train('local'), '--workers', '2']).ended;
if (local.code !== 0) throw new Error(`Two workers on one machine failed: ${local.errors}`);

for (const [name, delay, loss] of [
  ['near', 0, 0],
  ['delay of 5 ms', 0.005, 0],
  ['delay of 5 ms, 1 % lost', 0.005, 0.01],
] as const) {
  const { seconds, ends } = await trainOnTwo(name, delay, loss);
  const isEqual = ends.every(({ code }) => code === 0) && weights(name).equals(weights('local'));
  report[name] = isEqual ? { seconds, equal: true } : { seconds, ends: ends.map(lastWords) };
  if (!isEqual) process.exitCode = 1;
}

const cut = await trainOnTwo('cut', 0.005, 0, async (link) => {
  while (!existsSync(join(folder, 'cut', 'checkpoints'))) await sleep(50);
  link.stdin?.write('cut\n');
});
const checkpoints = readdirSync(join(folder, 'cut', 'checkpoints'));
report['cut'] = { ...{ seconds: cut.seconds, checkpoints }, ends: cut.ends.map(lastWords) };
if (cut.ends.some(({ code }) => code !== 1) || checkpoints.length === 0) process.exitCode = 1;

process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
rmSync(folder, { recursive: true });
