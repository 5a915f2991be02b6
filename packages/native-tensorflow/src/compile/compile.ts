import { randomUUID } from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import { isStoredAsBfloat16 } from '../bfloat16-storage';
import { nativeBackendName } from '../load';
import { sharedState } from '../shared-state';
import { functionAddon } from './function-addon';
import { lower, type Fusion } from './lower';
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
  /**
   * How many signatures stay compiled, at least 1 (default: 64). At one more the signature that was not called for longest is
   * freed, and compiled anew when it comes again; the first time that happens is said on standard error.
   */
  readonly maximumTraces?: number | undefined;
}

/** A function as TensorFlow knows it, for arguments of one signature. */
interface Trace {
  readonly captures: readonly Capture[];
  readonly outputs: number;
  readonly result: TensorTree['withTensors'];
  readonly name: string;
  readonly free: () => void;
}

export interface Compiled<Parameters extends readonly unknown[], Result> {
  (...values: Parameters): Result;
  /** Frees what was compiled; a later call compiles again. */
  dispose(): void;
}

/**
 * Makes one TensorFlow operation of a function that is written in TensorFlow.js operations, its gradients included: a call
 * then costs one crossing into native code instead of one per operation, and TensorFlow runs the whole as a graph.
 *
 * The first call of each signature runs `f` once on symbols to write its operations down. A signature is the arguments'
 * structure, the tensors' shapes and types, and everything that is not a tensor: numbers, strings and typed arrays by value,
 * other objects than arrays and plain ones by identity. So `f` must be a pure function of its tensors; it cannot read values
 * (`dataSync`), and random numbers that it draws are drawn once. Tensors that it uses without being given them keep being used,
 * variables with the value that they have at each call. A variable cannot be assigned to in `f`, nor can a gradient be taken
 * through a compiled function from outside.
 *
 * What is compiled is native memory, which `tf.memory()` does not count: {@link Compiled.dispose}, {@link createCompileScope}
 * or {@link disposeCompiled} frees it.
 *
 * On any other backend, and inside another compiled function, `f` is simply called.
 *
 * @param f takes and returns tensors in arrays and plain objects
 * @throws RangeError when `maximumTraces` is no whole number of at least 1; on a call, what `f` throws; Error when it reads values
 *   or a shape in it depends on values
 */
export function compile<Parameters extends readonly unknown[], Result>(
  f: (...values: Parameters) => Result,
  { fuse, maximumTraces = 64 }: CompileOptions = {},
): Compiled<Parameters, Result> {
  if (!Number.isInteger(maximumTraces) || maximumTraces < 1) {
    throw new RangeError(
      `maximumTraces is ${maximumTraces}, but must be a whole number of at least 1.`,
    );
  }
  // The signature called last stands last.
  const traces = new Map<string, Trace>();
  const state = sharedState();
  let saidTooMany = false;

  const compiled = (...values: Parameters): Result => {
    const native =
      tf.getBackend() === nativeBackendName && !state.recording ? functionAddon() : null;
    if (native === null) return f(...values);
    const backend = tf.backend() as NativeBackend;
    const given = flattenTree(values);
    const key = `${given.key} ${storageOf(given.tensors)}`;
    let trace = traces.get(key);
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
      trace = {
        name,
        captures: body.captures,
        outputs: body.outputs.length,
        result: results[0]?.withTensors ?? (() => undefined),
        free: lower({ ...native, fused: state.fused }, body, name, fuse),
      };
      makeRoom();
      state.compiled.add(compiled);
    } else traces.delete(key);
    traces.set(key, trace);
    const captured = trace.captures.map((capture) => {
      if (backend.tensorMap.has(capture.dataId)) return { dataId: capture.dataId };
      throw new Error('A tensor that a compiled function uses from outside has been disposed of.');
    }) as unknown as tf.TensorInfo[];
    const inputs = [...given.tensors, ...captured];
    const outputs = backend.executeMultipleOutputs(trace.name, [], inputs, trace.outputs);
    return trace.result(outputs) as Result;
  };

  function makeRoom(): void {
    for (const [key, trace] of traces) {
      if (traces.size < maximumTraces) return;
      trace.free();
      traces.delete(key);
      if (saidTooMany) continue;
      saidTooMany = true;
      const name = f.name === '' ? 'A compiled function' : `The compiled function ${f.name}`;
      console.error(
        `${name} was called with more than ${maximumTraces} signatures, so that those not used for longest are compiled anew when they come again. Give it as tensors what changes from call to call, or raise maximumTraces.`,
      );
    }
  }

  function dispose(): void {
    for (const { free } of traces.values()) free();
    traces.clear();
    state.compiled.delete(compiled);
  }
  compiled.dispose = dispose;
  return compiled;
}

/** Frees what all compiled functions of this process have compiled; a later call compiles again. */
export function disposeCompiled(): void {
  for (const compiled of [...sharedState().compiled]) compiled.dispose();
}

/** Compiled functions that end together, for example with a run. */
export interface CompileScope {
  /** As {@link compile}. */
  compile<Parameters extends readonly unknown[], Result>(
    f: (...values: Parameters) => Result,
    options?: CompileOptions,
  ): Compiled<Parameters, Result>;
  /** Frees what the functions of this scope have compiled; a later call of one compiles again. */
  dispose(): void;
}

export function createCompileScope(): CompileScope {
  const functions: { dispose(): void }[] = [];
  return {
    compile(f, options) {
      const compiled = compile(f, options);
      functions.push(compiled);
      return compiled;
    },
    dispose() {
      for (const compiled of functions) compiled.dispose();
    },
  };
}

/**
 * How much native memory compiled functions hold: graphs under construction, and the functions made of them. Neither is in
 * `tf.memory()`.
 */
export function compiledMemory(): { readonly graphs: number; readonly functions: number } {
  return functionAddon()?.addon.countObjects() ?? { graphs: 0, functions: 0 };
}

/** Which of them are of another type to TensorFlow than to TensorFlow.js. */
function storageOf(tensors: readonly tf.Tensor[]): string {
  return tensors.flatMap((tensor, index) => (isStoredAsBfloat16(tensor) ? index : [])).join();
}

function recordOnce(body: () => Recording): Recording {
  const state = sharedState();
  state.recording = true;
  try {
    return body();
  } finally {
    state.recording = false;
  }
}
