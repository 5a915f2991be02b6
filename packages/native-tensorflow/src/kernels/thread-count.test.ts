import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { kernelThreadCount, processorLimit } from './thread-count';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** @param groups what /proc/self/cgroup says; @param files below /sys/fs/cgroup */
function limitOf(groups: string, files: Readonly<Record<string, string>>): number {
  writeFileSync(join(folder, 'self'), groups);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return processorLimit({ proc: join(folder, 'self'), cgroup: folder });
}

it.each<[string, string, Record<string, string>, number]>([
  ['none', '0::/\n', {}, Infinity],
  ['none that is said', '0::/\n', { 'cpu.max': 'max 100000\n' }, Infinity],
  ["a container's", '0::/\n', { 'cpu.max': '250000 100000\n' }, 2.5],
  [
    'the smallest of all groups that it is in',
    '0::/machine/job/step\n',
    { 'machine/cpu.max': '400000 100000\n', 'machine/job/step/cpu.max': '800000 100000\n' },
    4,
  ],
  ["the host's path, seen from inside", '0::/docker/0123\n', { 'cpu.max': '150000 50000\n' }, 3],
  [
    'the first version',
    '8:memory:/job\n4:cpu,cpuacct:/job\n',
    {
      'cpu,cpuacct/job/cpu.cfs_quota_us': '200000\n',
      'cpu,cpuacct/job/cpu.cfs_period_us': '100000\n',
    },
    2,
  ],
  [
    'the first version without one',
    '1:cpu:/\n',
    { 'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n' },
    Infinity,
  ],
])('reads the limit of control groups: %s', (_, groups, files, limit) => {
  expect(limitOf(groups, files)).toBe(limit);
});

it('takes what OMP_NUM_THREADS says, of a list the first', () => {
  expect(kernelThreadCount({ OMP_NUM_THREADS: '3' })).toBe(3);
  expect(kernelThreadCount({ OMP_NUM_THREADS: '5,2' })).toBe(5);
  expect(kernelThreadCount({ OMP_NUM_THREADS: '1000000000' })).toBeLessThanOrEqual(1024);
});

it.each(['', '0', '-2', 'all'])('takes no OMP_NUM_THREADS of "%s"', (asked) => {
  const count = kernelThreadCount({ OMP_NUM_THREADS: asked });
  expect(count).toBeGreaterThanOrEqual(1);
  expect(count).toBeLessThanOrEqual(availableParallelism());
});
