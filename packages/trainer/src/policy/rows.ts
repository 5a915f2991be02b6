/** Batches cut into parts that can be worked on side by side, and put together again. */
import { parallelParts } from '@loop-diffusion/native-tensorflow';
import * as tf from '@tensorflow/tfjs-core';

/** Into how many parts a batch of latents had best be cut. */
export function partsOf({ shape: [rows, height, width] }: tf.Tensor4D): number {
  return parallelParts(rows, height * width);
}

/**
 * Cuts every tensor in `batch` (in plain objects, at any depth) whose first axis is as long as the longest into `parts` parts,
 * equal but for one row; the others, which serve all rows, are left whole.
 *
 * @param together rows that stay in one part, side by side
 */
export function cutRows<Batch extends object>(batch: Batch, parts: number, together = 1): Batch[] {
  if (parts === 1) return [batch];
  const rows = Math.max(...tensorsIn(batch).map(({ shape: [first = 0] }) => first));
  const units = rows / together;
  const count = Math.min(parts, units);
  const ends = Array.from(
    { length: count + 1 },
    (_, part) => together * Math.round((part * units) / count),
  );
  const sizes = ends.slice(1).map((end, part) => end - (ends[part] ?? 0));
  const cut = (value: unknown): unknown[] => {
    if (isTensor(value)) {
      return value.shape[0] === rows ? tf.split(value, sizes) : sizes.map(() => value);
    }
    if (typeof value !== 'object' || value === null) return sizes.map(() => value);
    const entries = Object.entries(value).map(([key, child]) => [key, cut(child)] as const);
    return sizes.map((_, part) =>
      Object.fromEntries(entries.map(([key, children]) => [key, children[part]])),
    );
  };
  return cut(batch) as Batch[];
}

/** The inverse, along the first axis. */
export function joinRows<T extends tf.Tensor>(parts: readonly T[]): T {
  return parts.length === 1 ? (parts[0] as T) : tf.concat([...parts], 0);
}

function tensorsIn(value: unknown): tf.Tensor[] {
  if (isTensor(value)) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(tensorsIn);
}

function isTensor(value: unknown): value is tf.Tensor {
  return value instanceof tf.Tensor;
}
