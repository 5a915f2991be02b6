import * as tf from '@tensorflow/tfjs-core';

/**
 * A number per row as a tensor that broadcasts against `[batch, …]`: a scalar when one value serves the whole batch,
 * `[batch, 1, …]` otherwise. Both give the same products bit by bit, so a rollout (one step for the batch) and an update
 * (a step per row) agree exactly.
 *
 * @param rank of the tensor it is to be multiplied with
 */
export function perRow<Item>(
  items: Item | readonly Item[],
  batch: number,
  value: (item: Item) => number,
  rank: number,
): tf.Tensor {
  if (!isList(items)) return tf.scalar(value(items));
  if (items.length !== batch) {
    throw new Error(
      `Expected one entry per row: the batch has ${batch} rows, but ${items.length} entries were given.`,
    );
  }
  return tf.tensor(
    items.map(value),
    [batch, ...Array.from({ length: rank - 1 }, () => 1)],
    'float32',
  );
}

/** Rows of a batch `[batch, …]`. @throws Error for a scalar */
export function rowsOf(batch: tf.Tensor): number {
  const shape: readonly number[] = batch.shape;
  const [rows] = shape;
  if (rows === undefined) throw new Error('Expected a batch [batch, …], got a scalar.');
  return rows;
}

export function isList<Item>(items: Item | readonly Item[]): items is readonly Item[] {
  return Array.isArray(items);
}
