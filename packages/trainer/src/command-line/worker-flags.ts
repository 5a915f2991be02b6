/** Flags of the commands that several processes can carry out together. */
import type { Cluster } from '@loop-diffusion/native-tensorflow';
import type { Command } from 'commander';

import { UsageError } from '../usage-error';
import { PATIENCE_SECONDS } from '../workers/collective-exchange';
import { findCluster } from '../workers/find-cluster';
import type { CommonFlags } from './context';
import { wholeNumberFlag } from './numbers';

export interface WorkerFlags {
  readonly workers: number;
  readonly workerPatience: number;
}

export interface RestartFlag {
  readonly maxRestarts: number;
}

const A_DAY = 86_400;

/** Of commands that go on where they were. */
export function addRestartFlag(command: Command): Command {
  return command.option(
    '--max-restarts <n>',
    'how often workers are started again where one was killed',
    wholeNumberFlag(0, 1000),
    3,
  );
}

export function addWorkerFlags(command: Command): Command {
  return command
    .option(
      '--workers <n>',
      'processes on this machine that share the work; on several machines TF_CONFIG or srun say it',
      wholeNumberFlag(1, 256),
      1,
    )
    .option(
      '--worker-patience <seconds>',
      'how long workers wait for one of them before they end',
      wholeNumberFlag(1, A_DAY),
      PATIENCE_SECONDS,
    );
}

/**
 * The cluster that this process is a worker of.
 *
 * @throws UsageError where it is one, and is to start workers of its own; ClusterError where what is said of it makes no sense
 */
export function clusterFor({ workers }: Pick<WorkerFlags, 'workers'>): Cluster | undefined {
  const cluster = findCluster();
  if (cluster === undefined || workers === 1) return cluster;
  throw new UsageError(
    `This process is worker ${String(cluster.index)} of ${String(cluster.workers.length)}, as TF_CONFIG or srun says, and starts none by --workers`,
  );
}

/** The command that each worker of a machine is started with: the one that was given, but for `--workers`. */
export function commandOfWorkers(argv: readonly string[]): string[] {
  return argv.flatMap((argument, index) => {
    const isFlag = argument === '--workers' || argument.startsWith('--workers=');
    return isFlag || argv[index - 1] === '--workers' ? [] : [argument];
  });
}

/** Those that each worker of a machine is started with. */
export function flagsOfWorkers({
  json,
  quiet,
  debug,
  workerPatience,
}: CommonFlags & Pick<WorkerFlags, 'workerPatience'>): string[] {
  const given = Object.entries({ '--json': json, '--quiet': quiet, '--debug': debug });
  return [
    ...given.flatMap(([flag, isGiven]) => (isGiven === true ? [flag] : [])),
    ...['--worker-patience', String(workerPatience)],
  ];
}
