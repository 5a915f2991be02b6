/** What all workers of a cluster do together, on TensorFlow's own collective operations. */
import * as tf from '@tensorflow/tfjs-core';
import { ATTRIBUTE, DTYPE, type Attribute } from '../compile/operation';
import { nativeBackendName } from '../load';
import { sharedState } from '../shared-state';
import { checkSeconds, quote } from './cluster';
import { ClusterError } from './cluster-error';
import { inTurn, type CollectiveOperation, type RunOperation } from './membership';

export interface CollectiveOptions {
  /**
   * How long this process waits for the others once its turn has come, more than 0 and at most 86,400; 300 unless told. Enough for
   * the slowest of them to come here.
   */
  readonly timeoutSeconds?: number | undefined;
  /**
   * How bytes travel: by TensorFlow's rings over gRPC (`ring`), or by NVIDIA's library between GPUs (`nccl`, not run yet). Unless
   * told TensorFlow chooses.
   */
  readonly communicationHint?: 'auto' | 'ring' | 'nccl' | undefined;
}

export type Reduction = 'sum' | 'mean' | 'min' | 'max';

export interface ReduceOptions extends CollectiveOptions {
  /** What is made of the workers' values; `sum` unless told. `mean` is of float32 alone. */
  readonly reduction?: Reduction | undefined;
}

export interface ClusterInfo {
  /** This process's place among the workers, from 0. */
  readonly rank: number;
  /** How many workers there are. */
  readonly size: number;
  /** Their addresses by rank; empty without a cluster. */
  readonly workers: readonly string[];
}

/** Which worker this process is; worker 0 of 1 without a cluster. */
export function clusterInfo(): ClusterInfo {
  const cluster = sharedState().membership?.cluster;
  if (cluster === undefined) return { rank: 0, size: 1, workers: [] };
  return { rank: cluster.index, size: cluster.workers.length, workers: cluster.workers };
}

/**
 * The elementwise sum (or mean, minimum, maximum) of the workers' tensors, the same bits on all workers. Several tensors travel
 * together, which is faster than one after the other. A sum's order follows from the number of workers and the tensors' sizes.
 *
 * All workers must make the same collective calls in the same order, with tensors of the same shapes. Operations run one after
 * the other, and while one waits for other workers Node goes on. No gradient passes through it.
 *
 * @param tensors float32 or int32, one or a list, of any shapes; they may be disposed of right after the call
 * @returns new tensors of the same shapes and types, which the caller disposes of
 * @throws ClusterError when a worker is gone or does not come in time, and from then on at once; TypeError for other types, on
 *   this worker alone
 */
export async function allReduce<T extends tf.Tensor>(
  tensors: T,
  options?: ReduceOptions,
): Promise<T>;
export async function allReduce<T extends readonly tf.Tensor[]>(
  tensors: T,
  options?: ReduceOptions,
): Promise<{ -readonly [Index in keyof T]: T[Index] }>;
export async function allReduce(
  tensors: tf.Tensor | readonly tf.Tensor[],
  options: ReduceOptions = {},
): Promise<tf.Tensor | tf.Tensor[]> {
  const list = tensors instanceof tf.Tensor ? [tensors] : tensors;
  const { reduction = 'sum' } = options;
  if (!Object.hasOwn(mergeOperations, reduction)) {
    throw new TypeError(`reduction is ${quote(reduction)}, but must be sum, mean, min or max.`);
  }
  for (const { dtype } of list) {
    if (dtype === 'float32' || (dtype === 'int32' && reduction !== 'mean')) continue;
    throw new TypeError(
      `allReduce takes tensors of float32${reduction === 'mean' ? ' for a mean' : ' and int32'}, and was given one of ${dtype}.`,
    );
  }
  const results = await together('allReduce', list, options, async (held, operations) => {
    const reduced: Record<string, tf.Tensor[]> = {};
    for (const dtype of ['float32', 'int32'] as const) {
      const same = held.filter((tensor) => tensor.dtype === dtype && tensor.size > 0);
      if (same.length > 0) reduced[dtype] = await reduceAsOne(operations, same, dtype, reduction);
    }
    return held.map((tensor) =>
      tensor.size === 0
        ? tf.zeros(tensor.shape, tensor.dtype)
        : (reduced[tensor.dtype]?.shift() as tf.Tensor),
    );
  });
  return tensors instanceof tf.Tensor ? (results[0] as tf.Tensor) : results;
}

const mergeOperations = { sum: 'Add', mean: 'Add', min: 'Min', max: 'Max' } as const;

async function reduceAsOne(
  operations: Operations,
  tensors: readonly tf.Tensor[],
  dtype: 'float32' | 'int32',
  reduction: Reduction,
): Promise<tf.Tensor[]> {
  const flat = tf.tidy(() => tf.concat(tensors.map((tensor) => tf.reshape(tensor, [-1]))));
  const reduced = await withDisposed([flat], () => operations.reduce(flat, dtype, reduction));
  return withDisposed([reduced], () =>
    tf.tidy(() => {
      const parts = tf.split(
        reduced,
        tensors.map(({ size }) => size),
      );
      return tensors.map(({ shape }, index) => tf.reshape(parts[index] as tf.Tensor, shape));
    }),
  );
}

/**
 * The workers' tensors behind one another along the first axis, in the order of ranks, the same bits on all workers. Their first
 * dimensions may differ, and be 0. What holds for all collective calls is at {@link allReduce}.
 *
 * @param tensor `[rows, …]`, float32, int32 or bool
 * @returns `[Σ rows, …]`, which the caller disposes of
 * @throws RangeError on all workers alike, which may go on, where types or other dimensions than the first differ; TypeError for
 *   other types and for scalars, on this worker alone; ClusterError as {@link allReduce}
 */
export async function allGather<T extends tf.Tensor>(
  tensor: T,
  options: CollectiveOptions = {},
): Promise<T> {
  if (!Object.hasOwn(gathered, tensor.dtype)) {
    throw new TypeError(
      `allGather takes tensors of float32, int32 and bool, and was given one of ${tensor.dtype}.`,
    );
  }
  if (tensor.rank === 0 || tensor.rank > mostDimensions) {
    throw new TypeError(
      `allGather takes tensors of 1 to ${mostDimensions} dimensions, and was given one of ${tensor.rank}.`,
    );
  }
  return together('allGather', [tensor], options, async ([held], operations) =>
    gatherRows(operations, held as tf.Tensor),
  ) as Promise<T>;
}

/** What a type is gathered as, which TensorFlow's operation takes. */
const gathered = { float32: 'float32', int32: 'int32', bool: 'int32' } as const;

const mostDimensions = 6;

/** The workers' rows by rank. */
export async function gatherRows(
  operations: Pick<Operations, 'gather'>,
  tensor: tf.Tensor,
): Promise<tf.Tensor> {
  const { size } = clusterInfo();
  const dtype = tensor.dtype as keyof typeof gathered;
  const shapes = await gatherShapes(operations, tensor);
  const [first] = shapes;
  const unlike = shapes.find(
    ({ dtype: other, shape }) =>
      other !== dtype ||
      shape.length !== tensor.rank ||
      shape.slice(1).join() !== first?.shape.slice(1).join(),
  );
  if (unlike !== undefined) {
    const all = shapes.slice(0, 8).map((one) => `${one.dtype} [${one.shape.join(', ')}]`);
    throw new RangeError(
      `allGather takes tensors that differ in their first dimension at most, and was given ${all.join(', ')}${size > all.length ? ', …' : ''} by workers 0 to ${size - 1}.`,
    );
  }
  const rows = shapes.map(({ shape }) => shape[0] as number);
  const most = Math.max(...rows);
  const total = rows.reduce((sum, count) => sum + count, 0);
  const shape = [total, ...tensor.shape.slice(1)];
  if (total === 0 || tensor.shape.slice(1).includes(0)) return tf.zeros(shape, dtype);
  const padded = tf.tidy(() => {
    const wide = tf.cast(tensor, gathered[dtype]);
    const missing = most - tensor.shape[0];
    if (missing === 0) return tf.clone(wide);
    const zeros = tf.zeros([missing, ...tensor.shape.slice(1)], gathered[dtype]);
    return missing === most ? zeros : tf.concat([wide, zeros]);
  });
  const all = await withDisposed([padded], () => operations.gather(padded, gathered[dtype]));
  return withDisposed([all], () =>
    tf.tidy(() => {
      const ordered = shapes.map(({ place }, rank) => tf.slice(all, place * most, rows[rank]));
      return tf.cast(tf.concat(ordered), dtype);
    }),
  );
}

interface GatheredShape {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where TensorFlow puts this rank's rows. It sorts tasks by their names, of which the tenth is before the second. */
  readonly place: number;
}

const dtypes = Object.keys(gathered) as (keyof typeof gathered)[];

/** By rank. */
async function gatherShapes(
  operations: Pick<Operations, 'gather'>,
  { dtype, shape }: tf.Tensor,
): Promise<GatheredShape[]> {
  const { rank } = clusterInfo();
  const header = [rank, dtypes.indexOf(dtype as keyof typeof gathered), shape.length, ...shape];
  while (header.length < 3 + mostDimensions) header.push(0);
  const own = tf.tensor1d(header, 'int32');
  const all = await withDisposed([own], () => operations.gather(own, 'int32'));
  const values = await withDisposed([all], () => [...all.dataSync<'int32'>()]);
  const result: GatheredShape[] = [];
  for (let place = 0; place * header.length < values.length; place++) {
    const [of = 0, type = 0, dimensions = 0, ...sizes] = values.slice(
      place * header.length,
      (place + 1) * header.length,
    );
    result[of] = { dtype: dtypes[type] as string, shape: sizes.slice(0, dimensions), place };
  }
  return result;
}

/**
 * One worker's tensor on all of them. What holds for all collective calls is at {@link allReduce}.
 *
 * @param tensor float32, int32 or bool; on the other workers its values do not matter, its shape and type must be the same
 * @param from the rank of the worker whose values count
 * @returns a new tensor, which the caller disposes of
 * @throws TypeError for other types, RangeError for a rank that there is not, on this worker alone; ClusterError as
 *   {@link allReduce}
 */
export async function broadcast<T extends tf.Tensor>(
  tensor: T,
  from: number,
  options: CollectiveOptions = {},
): Promise<T> {
  const { rank, size } = clusterInfo();
  if (!Number.isInteger(from) || from < 0 || from >= size) {
    throw new RangeError(
      `broadcast is from worker ${quote(from)}, but there are ${size}, counted from 0.`,
    );
  }
  if (!Object.hasOwn(gathered, tensor.dtype)) {
    throw new TypeError(
      `broadcast takes tensors of float32, int32 and bool, and was given one of ${tensor.dtype}.`,
    );
  }
  return together('broadcast', [tensor], options, async ([held], operations) =>
    operations.broadcast(held as tf.Tensor, rank === from),
  ) as Promise<T>;
}

/**
 * Returns when all workers have come here.
 * @throws ClusterError as {@link allReduce}
 */
export async function barrier(options: CollectiveOptions = {}): Promise<void> {
  await meet('barrier', options);
}

/** A barrier under another name. */
export async function meet(what: string, options: CollectiveOptions): Promise<void> {
  const own = tf.tensor1d([1]);
  const met = together(what, [own], options, async ([held], operations) =>
    operations.reduce(held as tf.Tensor, 'float32', 'sum'),
  );
  own.dispose();
  (await met).dispose();
}

/**
 * Each worker's list of numbers by rank, to the last bit of their 64. Lists may differ in length. What holds for all collective
 * calls is at {@link allReduce}.
 *
 * @throws ClusterError as {@link allReduce}
 */
export async function allGatherNumbers(
  numbers: readonly number[],
  options: CollectiveOptions = {},
): Promise<number[][]> {
  // Two integers of 32 bits each, for TensorFlow.js has no type of 64; before each list stands its length.
  const bits = new Int32Array(Float64Array.from([numbers.length, ...numbers]).buffer);
  const own = tf.tensor1d(bits, 'int32');
  const gathering = together('allGatherNumbers', [own], options, async ([held], operations) =>
    gatherRows(operations, held as tf.Tensor),
  );
  own.dispose();
  const all = await gathering;
  const values = new Float64Array(Int32Array.from(all.dataSync<'int32'>()).buffer);
  all.dispose();
  const lists: number[][] = [];
  for (let start = 0; start < values.length; start += 1 + values[start]!) {
    lists.push([...values.subarray(start + 1, start + 1 + values[start]!)]);
  }
  return lists;
}

/**
 * The sums (or means, minima, maxima) of the workers' numbers, place by place, computed in the order of ranks: the same bits on
 * all workers.
 *
 * @throws RangeError on all workers alike where lists differ in length; ClusterError as {@link allReduce}
 */
export async function allReduceNumbers(
  numbers: readonly number[],
  options: ReduceOptions = {},
): Promise<number[]> {
  const { reduction = 'sum' } = options;
  if (!Object.hasOwn(mergeOperations, reduction)) {
    throw new TypeError(`reduction is ${quote(reduction)}, but must be sum, mean, min or max.`);
  }
  const lists = await allGatherNumbers(numbers, options);
  const lengths = lists.map(({ length }) => length);
  if (new Set(lengths).size > 1) {
    throw new RangeError(
      `allReduceNumbers takes lists of the same length, and was given ${lengths.slice(0, 8).join(', ')} numbers by workers 0 to ${lists.length - 1}.`,
    );
  }
  return numbers.map((_, place) =>
    reduceNumbers(
      lists.map((list) => list[place]!),
      reduction,
    ),
  );
}

function reduceNumbers(values: readonly number[], reduction: Reduction): number {
  if (reduction === 'min') return Math.min(...values);
  if (reduction === 'max') return Math.max(...values);
  const sum = values.reduce((total, value) => total + value);
  return reduction === 'mean' ? sum / values.length : sum;
}

/** What a call does, once its turn has come. */
export interface Operations {
  reduce(x: tf.Tensor, dtype: 'float32' | 'int32', reduction: Reduction): Promise<tf.Tensor>;
  gather(x: tf.Tensor, dtype: 'float32' | 'int32'): Promise<tf.Tensor>;
  broadcast(x: tf.Tensor, isSource: boolean): Promise<tf.Tensor>;
}

/**
 * Makes a call in its turn.
 *
 * @param body is given tensors of its own, which are disposed of after it, so that the caller may do with its ones what it likes
 */
async function together<T>(
  what: string,
  tensors: readonly tf.Tensor[],
  options: CollectiveOptions,
  body: (held: readonly tf.Tensor[], operations: Operations) => Promise<T>,
): Promise<T> {
  const { timeoutSeconds = 300, communicationHint = 'auto' } = options;
  checkSeconds('timeoutSeconds', timeoutSeconds);
  if (!hints.includes(communicationHint)) {
    throw new TypeError(
      `communicationHint is ${quote(communicationHint)}, but must be ${hints.join(', ')}.`,
    );
  }
  const { membership } = sharedState();
  if (membership?.failure !== undefined) throw membership.failure;
  const isAlone = membership === undefined || membership.cluster.workers.length === 1;
  if (!isAlone && tf.getBackend() !== nativeBackendName) {
    throw new ClusterError(
      `${what} needs the backend ${nativeBackendName}, and ${tf.getBackend()} is the active one.`,
    );
  }
  const held = tensors.map((tensor) => tf.keep(tf.clone(tensor)));
  return withDisposed(held, () =>
    isAlone
      ? body(held, operationsAlone)
      : inTurn(membership, what, timeoutSeconds, (run) =>
          body(held, operationsOf(run, communicationHint)),
        ),
  );
}

const hints: readonly string[] = ['auto', 'ring', 'nccl'];

function operationsOf(run: RunOperation, communicationHint: string): Operations {
  const runAs = (
    name: string,
    dtype: number,
    attributes: readonly Attribute[],
    inputs: Pick<CollectiveOperation, 'inputs' | 'lastInputs'>,
  ): Promise<tf.Tensor> =>
    run({
      name,
      dtype,
      attributes: [
        type('T', dtype),
        text('communication_hint', communicationHint),
        // None: inTurn keeps the deadline.
        { name: 'timeout_seconds', type: ATTRIBUTE.float, value: 0 },
        ...attributes,
      ],
      ...inputs,
    });
  const unordered = [integer('Nordering_token', 0), boolean('is_stateless', false)];
  return {
    reduce: (x, dtype, reduction) =>
      runAs(
        'CollectiveReduceV2',
        DTYPE[dtype],
        [
          ...unordered,
          text('merge_op', mergeOperations[reduction]),
          text('final_op', reduction === 'mean' ? 'Div' : 'Id'),
          integer('max_subdivs_per_device', -1),
        ],
        { inputs: [x] },
      ),
    gather: (x, dtype) => runAs('CollectiveGatherV2', DTYPE[dtype], unordered, { inputs: [x] }),
    broadcast: async (x, isSource) => {
      const dtype = DTYPE[x.dtype as keyof typeof gathered];
      if (isSource) return runAs('CollectiveBcastSendV2', dtype, [], { inputs: [x] });
      const shape = tf.tensor1d(x.shape, 'int32');
      return withDisposed([shape], () =>
        runAs('CollectiveBcastRecvV2', dtype, [type('Tshape', DTYPE.int32)], {
          inputs: [],
          lastInputs: [shape],
        }),
      );
    },
  };
}

/** The only worker has what all have. */
const operationsAlone: Operations = {
  reduce: async (x) => tf.clone(x),
  gather: async (x) => tf.clone(x),
  broadcast: async (x) => tf.clone(x),
};

function type(name: string, value: number): Attribute {
  return { name, type: ATTRIBUTE.type, value };
}

function text(name: string, value: string): Attribute {
  return { name, type: ATTRIBUTE.string, value };
}

function integer(name: string, value: number): Attribute {
  return { name, type: ATTRIBUTE.int, value };
}

function boolean(name: string, value: boolean): Attribute {
  return { name, type: ATTRIBUTE.bool, value };
}

/** Disposes of the tensors when `f` is done, however that ends. */
async function withDisposed<T>(tensors: readonly tf.Tensor[], f: () => T | Promise<T>): Promise<T> {
  try {
    return await f();
  } finally {
    tf.dispose([...tensors]);
  }
}
