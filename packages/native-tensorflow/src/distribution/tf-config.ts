import { checkCluster, quote, type Cluster } from './cluster';
import { ClusterError } from './cluster-error';

/** Of 65,536 workers it has some four megabytes. */
const mostCharacters = 1e7;

/**
 * The cluster of `TF_CONFIG`, which Kubeflow's TFJob and Vertex AI set, as TensorFlow's TFConfigClusterResolver reads it:
 * `{"cluster": {"worker": ["host0:port", "host1:port"]}, "task": {"type": "worker", "index": 0}}`. A `chief` is worker 0, before
 * the others.
 *
 * @returns undefined where `TF_CONFIG` is not set, or says nothing of a cluster
 * @throws ClusterError where it is no such description, and for tasks that do not take part (`ps`, `evaluator`)
 */
export function clusterFromTfConfig(env: NodeJS.ProcessEnv = process.env): Cluster | undefined {
  const text = env['TF_CONFIG'];
  if (text === undefined || text.trim() === '') return undefined;
  const config = parse(text);
  if (config['cluster'] === undefined) return undefined;
  const cluster = objectAt(config, 'cluster');
  const others = Object.keys(cluster).filter(
    (type) => type !== 'chief' && type !== 'worker' && listAt(cluster, type).length > 0,
  );
  if (others.length > 0) {
    throw new ClusterError(
      `TF_CONFIG has tasks of type ${quote(others[0])}, but all workers do the same here: only chief and worker take part.`,
    );
  }
  const chiefs = listAt(cluster, 'chief');
  if (chiefs.length > 1) {
    throw new ClusterError(`TF_CONFIG has ${chiefs.length} tasks of type chief, but may have one.`);
  }
  const task = objectAt(config, 'task');
  const { type, index } = task;
  if (type !== 'chief' && type !== 'worker') {
    throw new ClusterError(
      `TF_CONFIG says that this process is of type ${quote(type)}, but only chief and worker take part.`,
    );
  }
  const own = listAt(cluster, type);
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= own.length) {
    throw new ClusterError(
      `TF_CONFIG says that this process is ${type} ${quote(index)}, and its cluster has ${own.length} of that type, counted from 0.`,
    );
  }
  return checkCluster({
    workers: [...chiefs, ...listAt(cluster, 'worker')] as string[],
    index: type === 'chief' ? 0 : chiefs.length + index,
  });
}

function parse(text: string): Record<string, unknown> {
  if (text.length > mostCharacters) {
    throw new ClusterError(
      `TF_CONFIG has ${text.length} characters, but may have at most ${mostCharacters}.`,
    );
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
    throw new ClusterError(`TF_CONFIG is not JSON: ${quote(reason)}.`, { cause: error });
  }
  if (!isObject(config)) {
    throw new ClusterError(`TF_CONFIG is ${quote(config)}, but must be an object of JSON.`);
  }
  return config;
}

function objectAt(config: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = config[key];
  if (isObject(value)) return value;
  throw new ClusterError(`${key} in TF_CONFIG is ${quote(value)}, but must be an object.`);
}

function listAt(cluster: Record<string, unknown>, type: string): unknown[] {
  const value = cluster[type] ?? [];
  if (Array.isArray(value)) return value;
  throw new ClusterError(
    `cluster.${quote(type)} in TF_CONFIG is ${quote(value)}, but must be a list of host:port.`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
