/** A run of several workers of which one is killed. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { counterUniform } from '@loop-diffusion/diffusion-mdp';

import { startCommand, type CommandProcess } from './command-line';
import { childrenOf, environmentOf, killIfAlive, processesWith } from './processes';

export interface KillWorkersOptions {
  readonly config: string;
  readonly workers: number;
  /** Of each worker. */
  readonly kills: number;
  readonly seed: number;
  /** To work in. */
  readonly folder: string;
  readonly onProgress?: (text: string) => void;
}

export interface KillWorkersReport {
  /** That were killed, by rank. */
  readonly killed: readonly number[];
  /** Runs that ended with other weights than the one that was left alone, or with an error. */
  readonly unequal: readonly string[];
  /** Processes that are left when their run is done. */
  readonly orphans: number;
}

/**
 * One run that is left alone, and for each worker as many as are asked for in which it is killed at a random moment.
 *
 * @throws Error when the run that is left alone fails
 */
export async function killWorkers(options: KillWorkersOptions): Promise<KillWorkersReport> {
  const { config, workers, kills, seed, folder, onProgress = () => undefined } = options;
  const begin = (name: string) =>
    startCommand([
      ...['train', config, '--json', '--workers', String(workers)],
      ...['--set', `output=${JSON.stringify(join(folder, name))}`],
    ]);
  const weights = (name: string) =>
    readFileSync(join(folder, name, 'adapter', 'pytorch_lora_weights.safetensors'));

  onProgress('the run that is left alone');
  const started = Date.now();
  const { code, errors } = await begin('straight').ended;
  if (code !== 0) throw new Error(`The run failed: ${errors}`);
  const life = Date.now() - started;
  const expected = weights('straight');
  const iterations = iterationsIn(join(folder, 'straight'));

  const killed = new Array<number>(workers).fill(0);
  const unequal: string[] = [];
  let orphans = 0;
  for (const rank of killed.keys()) {
    const key = { seed, prompt: rank, sample: 0, step: 0, stream: 0 };
    for (const [index, draw] of counterUniform(key, kills).entries()) {
      const name = `rank-${String(rank)}-${String(index)}`;
      const run = begin(name);
      await momentOf(run, draw * life, () => iterationsIn(join(folder, name)) >= iterations - 1);
      const victim = await workerOf(run, rank);
      if (victim !== undefined) {
        killIfAlive(victim);
        killed[rank]! += 1;
      }
      const end = await run.ended;
      const isEqual = end.code === 0 && weights(name).equals(expected);
      if (!isEqual) unequal.push(`${name} (code ${String(end.code)}): ${end.errors}`);
      orphans += processesWith(join(folder, name)).length;
      rmSync(join(folder, name), { recursive: true, force: true });
      onProgress(`worker ${String(rank)}: ${String(index + 1)} of ${String(kills)}`);
    }
  }
  return { killed, unequal, orphans };
}

/** After so many milliseconds, or when the run is at its last iteration: a machine is not always as slow as it was. */
async function momentOf(
  { ended }: CommandProcess,
  milliseconds: number,
  isLate: () => boolean,
): Promise<void> {
  const over = ended.then(() => true);
  const end = Date.now() + milliseconds;
  while (Date.now() < end && !isLate()) {
    if (await Promise.race([over, sleep(20, false)])) return;
  }
}

/** That have been recorded. */
function iterationsIn(run: string): number {
  try {
    return readFileSync(join(run, 'events.jsonl'), 'utf8').split('{"event":"iteration"').length - 1;
  } catch {
    // It has not begun.
    return 0;
  }
}

/** Waits for a worker that is not there yet; undefined where the run is over before. */
async function workerOf(
  { child, ended }: CommandProcess,
  rank: number,
): Promise<number | undefined> {
  const over = ended.then(() => true);
  do {
    const found = childrenOf(child.pid ?? 0).find((pid) => {
      const { task } = JSON.parse(environmentOf(pid, 'TF_CONFIG') ?? '{}') as {
        task?: { index: number };
      };
      return task?.index === rank;
    });
    if (found !== undefined) return found;
  } while (!(await Promise.race([over, sleep(20, false)])));
  return undefined;
}
