import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Processes that train one model together: each computes the gradient of its share of a batch, then all exchange
 * gradients and make the same update.
 *
 * At this model's size an operation is too short to be worth splitting over threads, so on the CPU two processes with a
 * thread each do twice the work of one process with two.
 */
export interface Replicas {
  readonly rank: number;
  readonly count: number;
  /** The mean of everybody's array, summed in the order of ranks, so that all get the same bits. */
  average(values: Float32Array): Promise<Float32Array>;
  close(): void;
}

interface Member {
  readonly rank: number;
  readonly count: number;
  readonly folder: string;
}

const memberVariable = 'LOOP_PRETRAIN_MEMBER';

/** Starts the other processes with this process's own script for one stage, or joins the one that started this process. */
export function joinReplicas(count: number, stage: string): Replicas {
  const member = process.env[memberVariable];
  return member === undefined ? leader(count, stage) : follower(JSON.parse(member) as Member);
}

/** Whether this process was started by another one to help. */
export function isFollower(): boolean {
  return process.env[memberVariable] !== undefined;
}

function leader(count: number, stage: string): Replicas {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'pretrain-'));
  let fail: (error: Error) => void = () => undefined;
  let isClosed = false;
  const waiting: (() => void)[] = [];
  const arrived: number[] = Array.from({ length: count }, () => 0);
  const children: ChildProcess[] = [];
  for (let rank = 1; rank < count; rank++) {
    const member: Member = { rank, count, folder };
    const child = fork(process.argv[1] ?? '', [...process.argv.slice(2), '--stage', stage], {
      env: { ...process.env, [memberVariable]: JSON.stringify(member) },
    });
    child.on('message', () => {
      arrived[rank] = (arrived[rank] ?? 0) + 1;
      waiting.splice(0).forEach((wake) => {
        wake();
      });
    });
    child.on('exit', (code) => {
      if (!isClosed)
        fail(new Error(`replica ${String(rank)} ended early with exit code ${String(code)}`));
    });
    children.push(child);
  }
  const close = (): void => {
    isClosed = true;
    children.forEach((child) => child.kill());
    rmSync(folder, { recursive: true, force: true });
  };
  process.on('exit', close);
  // Without a listener a signal ends the process before anything can be cleaned up.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
  let round = 0;
  const barrier = async (): Promise<void> => {
    round += 1;
    while (arrived.slice(1).some((rounds) => rounds < round)) {
      await new Promise<void>((resolve, reject) => {
        waiting.push(resolve);
        fail = reject;
      });
    }
    children.forEach((child) => child.send('go'));
  };
  return { rank: 0, count, close, average: averaging({ rank: 0, count, folder }, barrier) };
}

function follower(member: Member): Replicas {
  process.on('disconnect', () => process.exit(0));
  const wakes: (() => void)[] = [];
  process.on('message', () => {
    wakes.shift()?.();
  });
  const barrier = (): Promise<void> =>
    new Promise((resolve) => {
      wakes.push(resolve);
      // The leader may end at any moment; then there is nobody to tell.
      process.send?.('here', undefined, undefined, () => undefined);
    });
  return { ...member, close: () => process.disconnect(), average: averaging(member, barrier) };
}

function averaging(
  { rank, count, folder }: Member,
  barrier: () => Promise<void>,
): Replicas['average'] {
  let round = 0;
  return async (values) => {
    // Two files in turn: by the time one is written again, everybody has passed the next barrier, hence read it.
    const path = (of: number): string => join(folder, `${String(of)}-${String(round % 2)}`);
    writeFileSync(path(rank), new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    await barrier();
    const mean = new Float32Array(values.length);
    for (let of = 0; of < count; of++) {
      const other =
        of === rank ? values : new Float32Array(Uint8Array.from(readFileSync(path(of))).buffer);
      for (let i = 0; i < mean.length; i++)
        mean[i] = (mean[i] as number) + (other[i] as number) / count;
    }
    round += 1;
    return mean;
  };
}
