/** Tensors inside arrays and plain objects, as arguments and results are given. */
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';

export interface TensorTree {
  readonly tensors: tf.Tensor[];
  /** Equal for trees that differ in nothing but their tensors' values. */
  readonly key: string;
  /** The same tree with other tensors, as many and in the same order. */
  readonly withTensors: (tensors: readonly tf.Tensor[]) => unknown;
}

/** What is neither a tensor, an array nor a plain object counts by what it is: typed arrays by their bytes, other objects by identity. */
export function flattenTree(tree: unknown): TensorTree {
  const tensors: tf.Tensor[] = [];
  const describe = (part: unknown): string => {
    if (isTensor(part)) {
      tensors.push(part);
      return `${part.dtype}[${part.shape.join()}]`;
    }
    if (Array.isArray(part)) return `[${part.map(describe).join()}]`;
    if (isPlainObject(part)) {
      const entries = Object.entries(part).map(
        ([key, value]) => `${quote(key)}:${describe(value)}`,
      );
      return `{${entries.join()}}`;
    }
    return describeStatic(part);
  };
  const key = describe(tree);
  const withTensors = (replacements: readonly tf.Tensor[]): unknown => {
    let next = 0;
    const restore = (part: unknown): unknown => {
      if (isTensor(part)) return replacements[next++];
      if (Array.isArray(part)) return part.map(restore);
      if (!isPlainObject(part)) return part;
      return Object.fromEntries(
        Object.entries(part).map(([name, value]) => [name, restore(value)]),
      );
    };
    return restore(tree);
  };
  return { tensors, key, withTensors };
}

function isTensor(value: unknown): value is tf.Tensor {
  return value instanceof tf.Tensor;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

const identities = new WeakMap<object, number>();
let objects = 0;

function describeStatic(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    const hash = createHash('sha256').update(bytes).digest('base64');
    return `${Object.prototype.toString.call(value)} ${hash}`;
  }
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) {
    const known = identities.get(value);
    if (known !== undefined) return `#${String(known)}`;
    identities.set(value, ++objects);
    return `#${String(objects)}`;
  }
  return typeof value === 'string' ? quote(value) : `${typeof value} ${String(value)}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
