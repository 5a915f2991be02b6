/** A study that is killed again and again, with and without the runs that it carries out. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { counterUniform } from '@loop-diffusion/diffusion-mdp';

import { startCommand } from './command-line';
import { childrenOf, killIfAlive, processesWith } from './processes';

export interface KilledStudyReport {
  readonly kills: number;
  /** Whether both tables are the same bytes. */
  readonly equal: boolean;
  /** Processes of the study that are left when it is done. */
  readonly orphans: number;
}

export interface KilledStudyOptions {
  /** `study.yaml`. */
  readonly study: string;
  readonly kills: number;
  readonly seed: number;
  /** To work in. */
  readonly folder: string;
  readonly onProgress?: (text: string) => void;
}

/**
 * One study straight, and the same one killed and begun again until it is done. Every second kill takes the runs under way with
 * it; the others leave them behind, which they notice themselves.
 *
 * @throws Error when a process fails
 */
export async function killStudy(options: KilledStudyOptions): Promise<KilledStudyReport> {
  const { study, folder, kills, seed, onProgress = () => undefined } = options;
  const begin = (name: string) => startCommand(['study', study, '--out', join(folder, name)]);
  onProgress('the study that is left alone');
  const started = Date.now();
  const straight = await begin('straight').ended;
  if (straight.code !== 0) throw new Error(`The study failed: ${straight.errors}`);
  const life = Date.now() - started;

  const broken = join(folder, 'broken');
  let killed = 0;
  const draws = counterUniform({ seed, prompt: 0, sample: 0, step: 0, stream: 0 }, kills);
  for (const [index, draw] of draws.entries()) {
    const process = begin('broken');
    // Of two that are killed at most the last may come near the end.
    const moment = sleep((life * (0.2 + 0.8 * draw)) / (kills + 1));
    await Promise.race([moment, process.ended]);
    const children = childrenOf(process.child.pid ?? 0);
    if (!process.child.kill('SIGKILL')) break;
    if (index % 2 === 1) for (const pid of children) killIfAlive(pid);
    await process.ended;
    killed += 1;
    onProgress(`killed ${String(killed)} times`);
  }
  onProgress('to the end');
  const end = await begin('broken').ended;
  if (end.code !== 0) throw new Error(`The study failed: ${end.errors}`);
  const table = (name: string) => readFileSync(join(folder, name, 'table.csv'));
  return {
    kills: killed,
    equal: table('broken').equals(table('straight')),
    orphans: processesWith(broken).length,
  };
}

/** The least that there is: two methods, three iterations. @param seeds how many */
export function writeSmallStudy(file: string, seeds: number): void {
  writeFileSync(
    file,
    `base:
  iterations: 3
  batch: {prompts: 2, rollout: 4, update: 8}
  sampler: {steps: 4}
  samples: {count: 0}
factors:
  algorithm.name: [loop, rloo]
seeds: [${Array.from({ length: seeds }, (_, seed) => seed).join(', ')}]
evaluation: {images: 8}
`,
  );
}
