/** How a process becomes a worker of a cluster, which it can do once. */
import type { TensorflowBinding, WorkerPlace } from '../load';
import type { SharedState } from '../shared-state';
import { parseEndpoint, quote, type Cluster } from './cluster';
import { ClusterError } from './cluster-error';
import { meet } from './collectives';
import { listenAddressOf } from './listen-address';
import { leaveCluster, newMembership } from './membership';
import { serverDef } from './server-def';

/**
 * Looks whether this process is, or can still become, this worker of this cluster. The only worker of a cluster need not join.
 * @throws ClusterError where it cannot, or is it no more
 */
export function requireMembership(state: SharedState, cluster: Cluster): void {
  const { membership } = state;
  const asked = `worker ${cluster.index} of ${cluster.workers.length}`;
  if (membership === undefined) {
    if (cluster.workers.length === 1) state.membership = newMembership(cluster);
    else if (state.loaded !== undefined) {
      throw new ClusterError(
        `This process is to be ${asked}, but has loaded TensorFlow without a cluster already, and its library joins one when it is loaded: ask for it in the first call of useBestBackend, or in a process of its own.`,
      );
    }
    return;
  }
  if (membership.failure !== undefined) throw membership.failure;
  const { workers, index } = membership.cluster;
  if (index === cluster.index && workers.join() === cluster.workers.join()) return;
  throw new ClusterError(
    `This process is to be ${asked}, but is worker ${index} of ${workers.length} (${quote(workers[index])}) already, and cannot become another.`,
  );
}

/** What the library is told when it is loaded; undefined for the only worker of a cluster. */
export async function placeOf(cluster: Cluster): Promise<WorkerPlace | undefined> {
  if (cluster.workers.length === 1) return undefined;
  return {
    definition: serverDef(cluster),
    address: await listenAddressOf(cluster),
    port: parseEndpoint(cluster.workers[cluster.index], cluster.index).port,
  };
}

/** gRPC takes the proxies of HTTP for its own, between workers as well, unless it is told of hosts to leave out. */
export function proxyExceptions(
  { workers }: Cluster,
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  if (isSet('grpc_proxy') || !['http_proxy', 'https_proxy'].some(isSet)) return {};
  const hosts = workers.map((worker, rank) => parseEndpoint(worker, rank).host);
  return { no_grpc_proxy: [...new Set(hosts)].join() };
}

/**
 * Waits for the other workers.
 * @param signal ends the wait when aborted
 * @throws ClusterError where this process could not join, or the others do not come in time
 */
export async function joinWith(
  state: SharedState,
  binding: Pick<TensorflowBinding, 'joinProblem'>,
  cluster: Cluster,
  signal?: AbortSignal,
): Promise<void> {
  const membership = (state.membership = newMembership(cluster));
  const problem = binding.joinProblem();
  if (problem !== undefined) {
    membership.failure = new ClusterError(
      `Worker ${cluster.index} cannot listen on ${cluster.workers[cluster.index] ?? ''}: ${problem}.`,
      { worker: cluster.index },
    );
    throw membership.failure;
  }
  const joining = meet('joining the cluster', { timeoutSeconds: cluster.joinTimeoutSeconds });
  if (signal?.aborted === true) leaveCluster();
  signal?.addEventListener('abort', leaveCluster);
  try {
    await joining;
  } finally {
    signal?.removeEventListener('abort', leaveCluster);
  }
}
