/** A run that is killed again and again. */
import { existsSync, readFileSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { counterUniform } from '@loop-diffusion/diffusion-mdp';

import { startCommand, type CommandProcess, type Ended } from './command-line';

export interface KillAndResumeOptions {
  /** Of a run whose `output` this chooses. */
  readonly config: string;
  readonly iterations: number;
  readonly kills: number;
  readonly seed: number;
  /** To work in. */
  readonly folder: string;
  readonly onProgress?: (text: string) => void;
}

export interface KillAndResumeReport {
  readonly kills: number;
  /** Of these, while a checkpoint was being written. */
  readonly duringCheckpoint: number;
  /** Whether both adapters, and both optimizers' states, are the same bytes. */
  readonly equal: boolean;
}

/**
 * One run straight, and the same run killed and resumed until it is done.
 *
 * @throws Error when a process fails
 */
export async function killAndResume(options: KillAndResumeOptions): Promise<KillAndResumeReport> {
  const { config, iterations, kills, seed, folder, onProgress = () => undefined } = options;
  const common = ['--set', `iterations=${iterations}`, '--set', 'checkpoint.every=1', '--json'];
  const train = (name: string) =>
    startCommand([
      'train',
      config,
      ...common,
      '--set',
      `output=${JSON.stringify(join(folder, name))}`,
    ]);

  onProgress('the run that is left alone');
  const started = Date.now();
  requireSuccess(await train('straight').ended);
  const life = longestLife(join(folder, 'straight'), started, iterations, kills);

  const broken = join(folder, 'broken');
  let duringCheckpoint = 0;
  let killed = 0;
  let process = train('broken');
  for (const [index, draw] of counterUniform(keyOf(seed), kills).entries()) {
    // Every second waits for a checkpoint that is being written; the others die at any time, the start included.
    const moment =
      index % 2 === 1
        ? await nextCheckpoint(join(broken, 'checkpoints'), process)
        : await anyTime(draw * life, process);
    if (moment === 'ended') break;
    process.child.kill('SIGKILL');
    const ended = await process.ended;
    if (ended.signal !== 'SIGKILL') break;
    killed += 1;
    if (moment === 'checkpoint') duringCheckpoint += 1;
    onProgress(`killed ${killed} times, ${duringCheckpoint} during a checkpoint`);
    if (existsSync(join(broken, 'config.yaml'))) {
      process = startCommand(['resume', broken, '--json']);
    } else {
      // It had not yet begun.
      rmSync(broken, { recursive: true, force: true });
      process = train('broken');
    }
  }
  onProgress('to the end');
  requireSuccess(await process.ended);
  const equal = FILES.every((file) =>
    readFileSync(join(broken, ...file(iterations))).equals(
      readFileSync(join(folder, 'straight', ...file(iterations))),
    ),
  );
  return { kills: killed, duringCheckpoint, equal };
}

/**
 * Milliseconds that a process may live at most, so that all have died before the last iteration is done: the time to the
 * first iteration, and twice its share of the others.
 */
function longestLife(run: string, started: number, iterations: number, kills: number): number {
  const times = readFileSync(join(run, 'events.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; time: string })
    .filter(({ event }) => event === 'iteration')
    .map(({ time }) => Date.parse(time));
  const [first, last] = [times[0] ?? started, times.at(-1) ?? started];
  const each = (last - first) / Math.max(iterations - 1, 1);
  return first - started + (2 * each * iterations) / (kills + 1);
}

const ADAPTER = 'pytorch_lora_weights.safetensors';

/** What must be equal, in a run's folder. */
const FILES: readonly ((iterations: number) => string[])[] = [
  () => ['adapter', ADAPTER],
  (iterations) => ['checkpoints', `step-${iterations}`, ADAPTER],
  (iterations) => ['checkpoints', `step-${iterations}`, 'optimizer.safetensors'],
];

type Moment = 'ended' | 'checkpoint' | 'any';

async function anyTime(milliseconds: number, { ended }: CommandProcess): Promise<Moment> {
  return Promise.race([
    sleep(milliseconds).then((): Moment => 'any'),
    ended.then((): Moment => 'ended'),
  ]);
}

/** As soon as the temporary folder of a checkpoint is there. */
async function nextCheckpoint(folder: string, { ended }: CommandProcess): Promise<Moment> {
  while (!existsSync(folder)) {
    if ((await Promise.race([sleep(20), ended])) !== undefined) return 'ended';
  }
  const watcher = watch(folder);
  try {
    return await Promise.race([
      new Promise<Moment>((resolve) => {
        watcher.on('change', (_, name) => {
          if (String(name).endsWith('.tmp')) resolve('checkpoint');
        });
      }),
      ended.then((): Moment => 'ended'),
    ]);
  } finally {
    watcher.close();
  }
}

function keyOf(seed: number) {
  return { seed, prompt: 0, sample: 0, step: 0, stream: 0 };
}

function requireSuccess({ code, errors }: Ended): void {
  if (code !== 0) throw new Error(`It ended with ${String(code)}: ${errors}`);
}

/** The smallest run there is: a pipeline of random weights that diffusers made, for its tests. */
export const SMALL_CONFIG = `
model: packages/diffusion-models/fixtures/pipeline
rewards: [{name: jpeg-incompressibility}]
batch: {prompts: 2, rollout: 4, update: 8}
sampler: {steps: 4}
algorithm: {k: 2}
lora: {rank: 2, alpha: 2}
evaluate: {images: 2, guidances: []}
samples: {every: 0, count: 2}
`;
