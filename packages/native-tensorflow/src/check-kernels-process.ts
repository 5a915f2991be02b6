/**
 * A process that holds the kernels of one instruction set against TensorFlow's own results, and prints what is wrong with them
 * as JSON, or null. Arguments: the build's folder, the set's name.
 */
import * as tf from '@tensorflow/tfjs-core';
import { nativeBackendName, registerNativeBackend } from './load';
import { relativeError } from './kernels/compare-tensors';
import { instructionSets } from './kernels/instruction-sets';
import { kernelCases, runKernel, type KernelCase } from './kernels/kernel-cases';
import { openKernels } from './kernels/load-kernels';

/** Sums of a few dozen numbers: rounding makes 1e-6 of it, and whatever is wrong far more. */
const limit = 1e-4;

function problemOf(oneCase: KernelCase): string | null {
  const { kernel, about } = oneCase;
  const inputs = oneCase.inputs();
  const actual = runKernel(oneCase, inputs);
  const errors = oneCase.expected(inputs).map((expected, index) => {
    const output = actual[index];
    return output === undefined ? Infinity : relativeError(output, expected);
  });
  const largest = Math.max(...errors);
  if (largest <= limit) return null;
  return `${kernel} (${about}) differs from TensorFlow's own result by ${largest.toPrecision(2)} of the largest number.`;
}

async function main([folder = '', name = '']: readonly string[]): Promise<void> {
  const set = instructionSets.find((one) => one.name === name);
  if (set === undefined) throw new Error(`There is no instruction set ${name}.`);
  registerNativeBackend(folder);
  await tf.setBackend(nativeBackendName);
  openKernels(folder, set);
  const served = kernelCases.filter(
    ({ kernel }) => (tf.getKernel(kernel, nativeBackendName) as unknown) !== undefined,
  );
  console.log(JSON.stringify(served.map(problemOf).find((problem) => problem !== null) ?? null));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
