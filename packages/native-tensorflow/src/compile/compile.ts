import { randomUUID } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { nativeBackendName } from '../load';
import { functionAddon } from './function-addon';
import { lower, type Fusion, type Lowering } from './lower';
import type { NativeBackend } from './native-backend';
import { record, type Capture, type Recording } from './record';
import { flattenTree, type TensorTree } from './tensor-tree';

export interface CompileOptions {
  /**
   * What XLA makes machine code of. `runs`: every run of elementwise operations and reductions becomes one kernel, which
   * saves passes over large tensors and costs about a tenth of a second for each different run at the first call. `whole`:
   * the function as it is, for GPUs; on a processor XLA's products are slower than TensorFlow's. Left out, nothing.
   */
  readonly fuse?: Fusion | undefined;
}

/** A function as TensorFlow knows it, for arguments of one signature. */
interface Trace {
  readonly name: string;
  readonly captures: readonly Capture[];
  readonly outputs: number;
  readonly result: TensorTree['withTensors'];
}

export interface Compiled<Parameters extends readonly unknown[], Result> {
  (...values: Parameters): Result;
  /** Frees what was compiled; a later call compiles again. */
  dispose(): void;
}

let recording = false;
const fused: Lowering['fused'] = new Map();

/**
 * Makes one TensorFlow operation of a function that is written in TensorFlow.js operations, its gradients included: a call
 * then costs one crossing into native code instead of one per operation, and TensorFlow runs the whole as a graph.
 *
 * The first call of each signature runs `f` once on symbols to write its operations down. A signature is the arguments'
 * structure, the tensors' shapes and types, and everything that is not a tensor: numbers and strings by value, objects other
 * than arrays and plain ones by identity. So `f` must be a pure function of its tensors; it cannot read values (`dataSync`),
 * and random numbers that it draws are drawn once. Tensors that it uses without being given them keep being used, variables
 * with the value that they have at each call. A variable cannot be assigned to in `f`, nor can a gradient be taken through a
 * compiled function from outside.
 *
 * On any other backend, and inside another compiled function, `f` is simply called.
 *
 * @param f takes and returns tensors in arrays and plain objects
 * @throws on a call, what `f` throws; Error when it reads values or a shape in it depends on values
 */
export function compile<Parameters extends readonly unknown[], Result>(
  f: (...values: Parameters) => Result,
  options: CompileOptions = {},
): Compiled<Parameters, Result> {
  const traces = new Map<string, Trace>();

  const compiled = (...values: Parameters): Result => {
    const native = tf.getBackend() === nativeBackendName && !recording ? functionAddon() : null;
    if (native === null) return f(...values);
    const backend = tf.backend() as NativeBackend;
    const given = flattenTree(values);
    let trace = traces.get(given.key);
    if (trace === undefined) {
      const results: TensorTree[] = [];
      const symbolic = (symbols: tf.Tensor[]): tf.Tensor[] => {
        const result = flattenTree(f(...(given.withTensors(symbols) as Parameters)));
        results.push(result);
        return result.tensors;
      };
      const body = recordOnce(() => record(backend, native.addon, given.tensors, symbolic));
      // Unique in the process, in which there may be another copy of this module.
      const name = `compiled_${randomUUID().replaceAll('-', '')}`;
      lower({ ...native, fused }, body, name, options.fuse);
      trace = {
        name,
        captures: body.captures,
        outputs: body.outputs.length,
        result: results[0]?.withTensors ?? (() => undefined),
      };
      traces.set(given.key, trace);
    }
    const captured = trace.captures.map((capture) => {
      if (backend.tensorMap.has(capture.dataId)) return { dataId: capture.dataId };
      throw new Error('A tensor that a compiled function uses from outside has been disposed of.');
    }) as unknown as tf.TensorInfo[];
    const inputs = [...given.tensors, ...captured];
    const outputs = backend.executeMultipleOutputs(trace.name, [], inputs, trace.outputs);
    return trace.result(outputs) as Result;
  };

  const dispose = (): void => {
    const native = functionAddon();
    for (const { name } of traces.values()) native?.addon.removeFunction(native.binding, name);
    traces.clear();
  };
  return Object.assign(compiled, { dispose });
}

function recordOnce(body: () => Recording): Recording {
  recording = true;
  try {
    return body();
  } finally {
    recording = false;
  }
}
