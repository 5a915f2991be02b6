import { checkCluster, mostWorkers, quote, type Cluster } from './cluster';
import { ClusterError } from './cluster-error';
import { expandHostList } from './host-list';

export interface SlurmOptions {
  /** The port of the first task of each node, 8888 unless told; the others of a node follow. */
  readonly basePort?: number | undefined;
}

/**
 * The cluster of the tasks that `srun` has started, as TensorFlow's SlurmClusterResolver lays them out: in blocks, the first
 * tasks on the first node, and a task's port is the base port plus its rank within its node. It reads `SLURM_PROCID`,
 * `SLURM_NTASKS` and `SLURM_JOB_NODELIST`, and where they are set `SLURM_STEP_NODELIST` (a step may have fewer nodes than its
 * job) and `SLURM_STEP_TASKS_PER_NODE` or `SLURM_TASKS_PER_NODE`; without these tasks are spread evenly, as Slurm does.
 * Written and tested without Slurm.
 *
 * @returns undefined where no task of Slurm's runs
 * @throws ClusterError where the variables contradict each other, or tasks are not laid out in blocks
 */
export function clusterFromSlurm(
  env: NodeJS.ProcessEnv = process.env,
  { basePort = 8888 }: SlurmOptions = {},
): Cluster | undefined {
  if (env['SLURM_PROCID'] === undefined) return undefined;
  const index = wholeNumber(env, 'SLURM_PROCID', 0);
  const tasks = wholeNumber(env, 'SLURM_NTASKS', 1);
  if (!Number.isInteger(basePort) || basePort < 1 || basePort > 65_535) {
    throw new ClusterError(`basePort is ${quote(basePort)}, but must be 1 to 65535.`);
  }
  const list = env['SLURM_STEP_NODELIST'] ?? env['SLURM_JOB_NODELIST'];
  if (list === undefined) {
    throw new ClusterError('SLURM_PROCID is set, but SLURM_JOB_NODELIST is not: use srun.');
  }
  const hosts = expandHostList(list);
  const perNode = env['SLURM_STEP_TASKS_PER_NODE'] ?? env['SLURM_TASKS_PER_NODE'];
  const counts = perNode === undefined ? spread(tasks, hosts.length) : expandCounts(perNode);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (counts.length !== hosts.length || total !== tasks) {
    throw new ClusterError(
      `Slurm has ${tasks} tasks on ${hosts.length} hosts, but says that ${quote(perNode)} are on each: use srun.`,
    );
  }
  const workers = hosts.flatMap((host, node) =>
    Array.from({ length: counts[node]! }, (_, place) => `${host}:${basePort + place}`),
  );
  checkPlace(env, index, counts);
  return checkCluster({ workers, index });
}

/** Where each process can tell its own node, it must be the one that its rank is laid out on. */
function checkPlace(env: NodeJS.ProcessEnv, index: number, counts: readonly number[]): void {
  if (env['SLURM_NODEID'] === undefined) return;
  let node = 0;
  for (let left = index; node < counts.length && left >= counts[node]!; node++)
    left -= counts[node]!;
  if (node === wholeNumber(env, 'SLURM_NODEID', 0)) return;
  throw new ClusterError(
    `Task ${index} runs on node ${quote(env['SLURM_NODEID'])}, and would be on node ${node} if tasks were laid out in blocks: use srun with --distribution=block.`,
  );
}

function wholeNumber(env: NodeJS.ProcessEnv, name: string, least: number): number {
  const text = env[name] ?? '';
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= mostWorkers) return value;
  const was = text === '' ? 'not set' : quote(text);
  throw new ClusterError(
    `${name} is ${was}, but must be a whole number of ${least} to ${mostWorkers}.`,
  );
}

/** `2(x3),1` → 2, 2, 2, 1 */
function expandCounts(text: string): number[] {
  const counts: number[] = [];
  for (const part of text.split(',')) {
    const [, count, times = '1'] = /^(\d{1,9})(?:\(x(\d{1,9})\))?$/.exec(part) ?? [];
    if (
      count === undefined ||
      Number(count) > mostWorkers ||
      counts.length + Number(times) > mostWorkers
    ) {
      throw new ClusterError(
        `Slurm's numbers of tasks are ${quote(text)}, but must be as 2(x3),1 and at most ${mostWorkers}.`,
      );
    }
    for (let i = 0; i < Number(times); i++) counts.push(Number(count));
  }
  return counts;
}

/** The first nodes have one more where they cannot all have the same. */
function spread(tasks: number, nodes: number): number[] {
  return Array.from({ length: nodes }, (_, node) => Math.ceil((tasks - node) / nodes));
}
