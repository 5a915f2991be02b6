import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** Where the system tells of processes and control groups; tests have folders of their own. */
export interface SystemFiles {
  readonly proc: string;
  readonly cgroup: string;
}

const system: SystemFiles = { proc: '/proc/self/cgroup', cgroup: '/sys/fs/cgroup' };

/**
 * On how many threads a kernel works: `OMP_NUM_THREADS` where it is set, as for PyTorch and oneDNN, otherwise as many as this
 * process has processors, by its affinity and by the limits of its container.
 */
export function kernelThreadCount(env: NodeJS.ProcessEnv = process.env): number {
  // A list is of nested levels, the outermost first.
  const asked = Number.parseInt(env['OMP_NUM_THREADS'] ?? '', 10);
  if (asked >= 1) return Math.min(asked, mostThreads);
  return Math.max(1, Math.min(availableParallelism(), Math.floor(processorLimit())));
}

/** More than any machine has; a slip in a number must not make a million of them. */
const mostThreads = 1024;

/**
 * The processor time that the control groups of this process allow, in processors; infinite where there is no limit. Node
 * itself heeds it from version 22 on, and in the second version of control groups only.
 */
export function processorLimit({ proc, cgroup }: SystemFiles = system): number {
  const lines = readText(proc).split('\n');
  const limits = lines.flatMap((line) => {
    const [, hierarchy, controllers, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (hierarchy === '0') {
      return foldersUp(path).map((folder) => secondVersionLimit(join(cgroup, folder)));
    }
    if (controllers?.split(',').includes('cpu') !== true) return [];
    return ['cpu', 'cpu,cpuacct'].flatMap((mount) =>
      foldersUp(path).map((folder) => firstVersionLimit(join(cgroup, mount, folder))),
    );
  });
  return Math.min(Infinity, ...limits);
}

/** A group's limit holds for those in it, so all that it is in count. */
function foldersUp(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...foldersUp(parent)];
}

/** `200000 100000`: microseconds in each period; `max` without a limit. */
function secondVersionLimit(folder: string): number {
  const [quota, period] = readText(join(folder, 'cpu.max')).split(' ').map(Number);
  return ratio(quota, period);
}

function firstVersionLimit(folder: string): number {
  const read = (file: string) => Number.parseInt(readText(join(folder, file)), 10);
  return ratio(read('cpu.cfs_quota_us'), read('cpu.cfs_period_us'));
}

function ratio(quota = Number.NaN, period = Number.NaN): number {
  return quota > 0 && period > 0 ? quota / period : Infinity;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
