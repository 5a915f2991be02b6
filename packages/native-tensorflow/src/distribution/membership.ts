/** This process as a worker of a cluster: how its collective operations are run, one after the other, and how they fail. */
import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend, OutputMetadata } from '../compile/native-backend';
import type { Attribute } from '../compile/operation';
import { errorCode } from '../errors';
import { sharedState } from '../shared-state';
import type { Cluster } from './cluster';
import { ClusterError } from './cluster-error';
import { taskName } from './server-def';

/** What the addon does on threads of their own (native/asynchronous.cc). */
export interface AsynchronousBinding {
  /** As `executeOp`, for operations of one output; an error's `code` is TensorFlow's number for it. */
  executeOpAsync(
    name: string,
    attributes: readonly Attribute[],
    ids: readonly number[],
  ): Promise<OutputMetadata>;
  /** Rejected where the task does not answer in time. */
  checkPeer(task: string, milliseconds: number): Promise<void>;
  /** Operations under way end with this error, and so do all later ones. */
  abortCollectives(code: number, message: string): void;
}

export interface Membership {
  readonly cluster: Cluster;
  /** How many collective operations have been begun: each has a number of its own, which must be the same on all workers. */
  begun: number;
  /** The end of the one begun last. */
  last: Promise<unknown>;
  /** What ended the cluster for this process. */
  failure: ClusterError | undefined;
}

export function newMembership(cluster: Cluster): Membership {
  return { cluster, begun: 0, last: Promise.resolve(), failure: undefined };
}

/** One of TensorFlow's operations, all of which take the keys of the group and of the operation as inputs. */
export interface CollectiveOperation {
  readonly name: string;
  /** TensorFlow's number for the type. */
  readonly dtype: number;
  readonly attributes: readonly Attribute[];
  /** Before the keys. */
  readonly inputs: readonly tf.Tensor[];
  /** After them. */
  readonly lastInputs?: readonly tf.Tensor[];
}

export type RunOperation = (operation: CollectiveOperation) => Promise<tf.Tensor>;

/** A call's operations have numbers of their own, so that calls are counted alike whatever is under way. */
const operationsPerCall = 4;

/** TensorFlow's numbers for what was called off, and for what was not done in time (absl/status/status.h). */
const cancelled = 1;
const deadlineExceeded = 4;

/** How long a worker may take to say that it is there. */
const answerMilliseconds = 5000;

/** At most as many are asked at the same time. */
const askedAtOnce = 16;

/**
 * Makes a collective call when those begun before it are done. Its operations run on a thread of their own.
 *
 * The deadline is kept here and not by TensorFlow's own `timeout_seconds`, for which every operation leaves two threads that
 * sleep until then.
 *
 * @param what for sentences: `allReduce`
 * @param body runs up to four operations
 * @throws what `body` throws; ClusterError where an operation fails, and from then on the same one for every further call, since
 *   TensorFlow has given the others up
 */
export function inTurn<T>(
  membership: Membership,
  what: string,
  timeoutSeconds: number,
  body: (run: RunOperation) => Promise<T>,
): Promise<T> {
  const number = ++membership.begun;
  const result = membership.last.then(async () => {
    if (membership.failure !== undefined) throw membership.failure;
    let isDone = false;
    const deadline = setTimeout(() => {
      const call = `${what} (the ${ordinal(number)} collective call)`;
      void giveUp(membership, call, timeoutSeconds, () => isDone);
    }, timeoutSeconds * 1000);
    let step = 0;
    try {
      return await body((operation) =>
        runOperation(membership, what, operation, number * operationsPerCall + step++),
      );
    } finally {
      isDone = true;
      clearTimeout(deadline);
    }
  });
  membership.last = result.catch(() => undefined);
  return result;
}

async function runOperation(
  membership: Membership,
  what: string,
  { name, dtype, attributes, inputs, lastInputs = [] }: CollectiveOperation,
  instanceKey: number,
): Promise<tf.Tensor> {
  const backend = nativeBackend();
  // A group is of one kind of device, and where a GPU serves, integers may stay on the processor: each type has one of its own.
  const groupKey = dtype;
  const keys = [membership.cluster.workers.length, groupKey, instanceKey].map((key) =>
    tf.keep(tf.scalar(key, 'int32')),
  );
  try {
    const ids = backend.getInputTensorIds([...inputs, ...keys, ...lastInputs]);
    return backend.createOutputTensor(await backend.binding.executeOpAsync(name, attributes, ids));
  } catch (error) {
    membership.failure ??= errorOf(error, what, membership.cluster);
    throw membership.failure;
  } finally {
    tf.dispose(keys);
  }
}

/**
 * Ends collective calls that are under way in this process, joining a cluster among them, and all later ones, which fail with a
 * ClusterError: for a process that ends, or knows that another has. The others find it gone when it has ended. Without a cluster
 * nothing happens.
 */
export function leaveCluster(): void {
  const { membership } = sharedState();
  if (membership === undefined || membership.failure !== undefined) return;
  membership.failure = new ClusterError('This process has left its cluster.');
  // The only worker of a cluster needs no library.
  if (membership.cluster.workers.length === 1) return;
  nativeBackend().binding.abortCollectives(cancelled, membership.failure.message);
}

/** The deadline is over: says which workers do not answer, and ends the operation. */
async function giveUp(
  membership: Membership,
  what: string,
  seconds: number,
  isDone: () => boolean,
): Promise<void> {
  const { cluster } = membership;
  const silent = await silentWorkers(cluster);
  // Meanwhile it may have come to its end.
  if (isDone()) return;
  const [worker] = silent;
  const who =
    worker === undefined
      ? 'all workers answer, so that one is slow, or does not make the same calls in the same order'
      : `${describeWorkers(silent, cluster)} not answer`;
  membership.failure = new ClusterError(
    `${what} was not done by all ${cluster.workers.length} workers within ${seconds} s: ${who}.`,
    worker === undefined ? {} : { worker },
  );
  nativeBackend().binding.abortCollectives(deadlineExceeded, membership.failure.message);
}

async function silentWorkers({ workers, index }: Cluster): Promise<number[]> {
  const { binding } = nativeBackend();
  const others = workers.map((_, rank) => rank).filter((rank) => rank !== index);
  const silent: number[] = [];
  while (others.length > 0) {
    const asked = others.splice(0, askedAtOnce);
    const answers = await Promise.allSettled(
      asked.map(async (rank) => binding.checkPeer(taskName(rank), answerMilliseconds)),
    );
    silent.push(...asked.filter((_, place) => answers[place]?.status === 'rejected'));
  }
  return silent;
}

/** `worker 1 (host:port) does`, for a sentence with `not`. */
function describeWorkers(ranks: readonly number[], { workers }: Cluster): string {
  const shown = ranks.slice(0, 5).map((rank) => `${rank} (${workers[rank] ?? ''})`);
  if (ranks.length === 1) return `worker ${shown.join()} does`;
  const more = ranks.length - shown.length;
  return `workers ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''} do`;
}

/** TensorFlow's number for a task that cannot be reached, or has been started anew. */
const unavailable = 14;

function errorOf(error: unknown, what: string, { workers, index }: Cluster): ClusterError {
  const message = error instanceof Error ? error.message : String(error);
  // Behind the first line come the call's whereabouts, with the name of the task that was called.
  const reason = (message.split('\n')[0] ?? '')
    .replace(/^Collective ops is aborted by: /, '')
    .replace(/\.$/, '')
    .trim();
  if (Number(errorCode(error)) !== unavailable) {
    return new ClusterError(`${what} failed: ${reason}.`, { cause: error });
  }
  const worker = [...message.matchAll(/\/job:worker\/replica:0\/task:(\d+)/g)]
    .map(([, task]) => Number(task))
    .find((task) => task !== index && task < workers.length);
  if (worker === undefined) {
    return new ClusterError(`${what} failed: a worker is gone (${reason}).`, { cause: error });
  }
  return new ClusterError(
    `${what} failed: worker ${worker} (${workers[worker] ?? ''}) is gone (${reason}).`,
    { cause: error, worker },
  );
}

function ordinal(number: number): string {
  const ending =
    number % 100 > 10 && number % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `${number}${ending}`;
}

function nativeBackend(): NativeBackend & { readonly binding: AsynchronousBinding } {
  return tf.findBackend('tensorflow') as NativeBackend & { readonly binding: AsynchronousBinding };
}
