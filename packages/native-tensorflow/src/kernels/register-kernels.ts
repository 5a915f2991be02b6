/** TensorFlow.js's kernels for the native backend, each one operation of ours. */
import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../compile/native-backend';
import { nativeBackendName } from '../load';
import { sharedState } from '../shared-state';
import { boolean, kernelDefinitions, type KernelDefinition } from './definitions';

export interface KernelSettings {
  /** What is at the end of the operations' names in TensorFlow. */
  readonly suffix: string;
  /** Whether the operands of products are rounded to bfloat16. */
  readonly bfloat16: boolean;
}

/** @param operations the names of those that TensorFlow has; kernels of others are not registered */
export function registerKernels(operations: readonly string[], settings: KernelSettings): void {
  for (const definition of kernelDefinitions) {
    const kernelName = definition.name;
    if (!operations.includes(kernelName)) continue;
    // TensorFlow.js warns of what is replaced.
    if ((tf.getKernel(kernelName, nativeBackendName) as unknown) !== undefined) {
      tf.unregisterKernel(kernelName, nativeBackendName);
    }
    tf.registerKernel({
      kernelName,
      backendName: nativeBackendName,
      kernelFunc: ({ inputs, attrs }) => runOperation(definition, settings, inputs, attrs ?? {}),
    });
  }
}

function runOperation(
  definition: KernelDefinition,
  { suffix, bfloat16 }: KernelSettings,
  given: Readonly<Record<string, tf.TensorInfo | undefined>>,
  attributes: object,
): tf.TensorInfo | tf.TensorInfo[] {
  const own: tf.Tensor[] = [];
  // A tensor without numbers: its shape is all that it says.
  const empty = (shape: number[]): tf.Tensor => {
    const tensor = tf.tensor(new Float32Array(0), shape);
    own.push(tensor);
    return tensor;
  };
  try {
    const values = { ...attributes };
    const inputs: tf.TensorInfo[] = definition.inputs.map((name) => given[name] ?? empty([0]));
    if (definition.sizes !== undefined) inputs.push(empty([0, ...definition.sizes(values)]));
    const backend = tf.backend() as NativeBackend;
    const outputs = backend.executeMultipleOutputs(
      definition.name + suffix,
      [
        boolean('alone', sharedState().alone),
        boolean('round', bfloat16),
        ...(definition.attributes?.(values) ?? []),
      ],
      inputs,
      definition.outputs,
    );
    if (definition.isList !== true) return outputs[0] as tf.Tensor;
    const returned = definition.returned?.(given) ?? definition.outputs;
    for (const output of outputs.splice(returned)) output.dispose();
    return outputs;
  } finally {
    for (const tensor of own) tensor.dispose();
  }
}
