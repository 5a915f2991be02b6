import type * as tf from '@tensorflow/tfjs-core';
import type { Attribute } from './operation';

/** What tfjs-node's backend keeps of a tensor. */
export interface TensorEntry {
  readonly shape: readonly number[];
  readonly dtype: number;
  /** The native tensor's number; −1 while `values` have not been handed over. */
  readonly id: number;
  readonly values: tf.TypedArray | null;
}

export interface OutputMetadata {
  readonly id: number;
  readonly dtype: number;
  readonly shape: readonly number[];
}

export interface NativeBinding {
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    ids: readonly number[],
    outputs: number,
  ): OutputMetadata[];
  tensorDataSync(id: number): tf.TypedArray;
}

/** The parts of tfjs-node's `NodeJSKernelBackend` that its kernels go through. */
export interface NativeBackend extends tf.KernelBackend {
  binding: NativeBinding;
  readonly tensorMap: {
    get(dataId: object): TensorEntry;
    has(dataId: object): boolean;
  };
  incRef(dataId: object): void;
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(metadata: OutputMetadata): tf.Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  move(
    dataId: object,
    values: tf.TypedArray,
    shape: readonly number[],
    dtype: tf.DataType,
    refCount: number,
  ): void;
}
