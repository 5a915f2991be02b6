import { isIPv6 } from 'node:net';
import { ClusterError } from './cluster-error';

/** The processes that compute together, and which of them this one is. */
export interface Cluster {
  /** `host:port` of each, the same list in each; of IPv6 `[address]:port`. A worker's place in it is its rank. */
  readonly workers: readonly string[];
  /** This process's place in the list. */
  readonly index: number;
  /**
   * The numeric address on which this process listens. Unless told, it is the one that its own `host` stands for; `0.0.0.0` and
   * `::` are all that the machine has, for a host that is reached through a translation of addresses.
   */
  readonly listenAddress?: string | undefined;
  /** How long to wait at the start for all workers, more than 0 and at most 86,400; 300 unless told. */
  readonly joinTimeoutSeconds?: number | undefined;
}

export interface Endpoint {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** TensorFlow's own limits are not near; a slip in a list of hosts is. */
export const mostWorkers = 65_536;

/**
 * Checks what a caller or an environment says.
 * @returns the same
 * @throws ClusterError saying what is wrong
 */
export function checkCluster(cluster: Cluster): Cluster {
  const { workers, index, joinTimeoutSeconds } = cluster;
  if (!Array.isArray(workers) || workers.length === 0) {
    throw new ClusterError('A cluster has no workers; it needs the host:port of each.');
  }
  if (workers.length > mostWorkers) {
    throw new ClusterError(
      `A cluster has ${workers.length} workers, but may have at most ${mostWorkers}.`,
    );
  }
  const seen = new Map<string, number>();
  for (const [rank, worker] of workers.entries()) {
    const { host, port } = parseEndpoint(worker as unknown, rank);
    const key = `${host.toLowerCase()} ${port}`;
    const other = seen.get(key);
    if (other !== undefined) {
      throw new ClusterError(
        `Workers ${other} and ${rank} both have the address ${quote(worker)}; each process needs one of its own.`,
      );
    }
    seen.set(key, rank);
  }
  if (!Number.isInteger(index) || index < 0 || index >= workers.length) {
    const range = workers.length === 1 ? 'the only index is 0' : `0 to ${workers.length - 1}`;
    throw new ClusterError(
      `This process is worker ${quote(index)} of a cluster of ${workers.length} (${range}).`,
    );
  }
  if (joinTimeoutSeconds !== undefined) checkSeconds('joinTimeoutSeconds', joinTimeoutSeconds);
  return cluster;
}

/** @throws ClusterError where a deadline is none */
export function checkSeconds(name: string, seconds: number): void {
  if (typeof seconds === 'number' && seconds > 0 && seconds <= 86_400) return;
  throw new ClusterError(
    `${name} is ${quote(seconds)}, but must be more than 0 and at most 86400.`,
  );
}

/** @throws ClusterError where `worker`, the one of this rank, is no `host:port` */
export function parseEndpoint(worker: unknown, rank: number): Endpoint {
  const text = typeof worker === 'string' ? worker : '';
  const match = text.length <= 300 ? /^(\[[^[\]]*\]|[^:]*):(\d{1,5})$/.exec(text) : null;
  const [, name = '', digits = ''] = match ?? [];
  const bracketed = name.startsWith('[');
  const host = bracketed ? name.slice(1, -1) : name;
  const isHost = bracketed
    ? isIPv6(host)
    : /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_.])?$/.test(host);
  const port = Number(digits);
  if (match === null || !isHost || port < 1 || port > 65_535) {
    throw new ClusterError(
      `The address of worker ${rank} is ${quote(worker)}, but must be host:port with a port of 1 to 65535.`,
    );
  }
  return { host, port };
}

/** A value for a sentence: on one line, and no longer than that. */
export function quote(value: unknown): string {
  const text = textOf(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}

function textOf(value: unknown): string {
  try {
    // Of these there is no JSON.
    if (['undefined', 'function', 'symbol'].includes(typeof value)) return String(value);
    return JSON.stringify(value);
  } catch {
    // What is nested too deeply, or into itself.
    return `a value of type ${typeof value}`;
  }
}
