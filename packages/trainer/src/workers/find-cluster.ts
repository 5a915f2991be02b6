import {
  clusterFromSlurm,
  clusterFromTfConfig,
  type Cluster,
} from '@loop-diffusion/native-tensorflow';

/**
 * The cluster that whoever started this process says it is a worker of: by `TF_CONFIG`, or by what `srun` sets.
 *
 * @returns undefined for a process by itself, also where it is the only worker
 * @throws ClusterError where what is said makes no sense
 */
export function findCluster(env: NodeJS.ProcessEnv = process.env): Cluster | undefined {
  // A batch script has Slurm's other variables, too, and is no task of several.
  const isTask = env['SLURM_STEP_ID'] !== undefined;
  const cluster = clusterFromTfConfig(env) ?? (isTask ? clusterFromSlurm(env) : undefined);
  return cluster !== undefined && cluster.workers.length > 1 ? cluster : undefined;
}

/** Whether this process is the one of its cluster that writes and reports; one by itself is. */
export function isFirst(cluster: Cluster | undefined): boolean {
  return (cluster?.index ?? 0) === 0;
}
