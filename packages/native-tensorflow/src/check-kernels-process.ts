/**
 * A process that holds the kernels of one instruction set against TensorFlow's own results, and prints what is wrong with them
 * as JSON, or null. Arguments: the build's folder, the set's name.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Precision } from './backend-choice';
import { nativeBackendName, registerNativeBackend } from './load';
import { relativeError } from './kernels/compare-tensors';
import { instructionSets } from './kernels/instruction-sets';
import { kernelCases, runKernel, type KernelCase } from './kernels/kernel-cases';
import { openKernels } from './kernels/load-kernels';

/**
 * Sums of a few dozen numbers: in float32 rounding makes 1e-6 of it, in bfloat16 with its 8 bits a hundredth, and whatever is
 * wrong far more.
 */
const limits: Readonly<Record<Precision, number>> = { float32: 1e-4, bfloat16: 3e-2 };

function problemOf(oneCase: KernelCase, precision: Precision): string | null {
  const { kernel, about } = oneCase;
  const inputs = oneCase.inputs();
  const actual = runKernel(oneCase, inputs);
  const errors = oneCase.expected(inputs).map((expected, index) => {
    const output = actual[index];
    return output === undefined ? Infinity : relativeError(output, expected);
  });
  const largest = Math.max(...errors);
  if (largest <= limits[precision]) return null;
  return `${kernel} (${about}, ${precision}) differs from TensorFlow's own result by ${largest.toPrecision(2)} of the largest number.`;
}

async function main([folder = '', name = '']: readonly string[]): Promise<void> {
  const set = instructionSets.find((one) => one.name === name);
  if (set === undefined) throw new Error(`There is no instruction set ${name}.`);
  registerNativeBackend(folder);
  await tf.setBackend(nativeBackendName);
  const problems = (['float32', 'bfloat16'] as const).flatMap((precision) => {
    openKernels(folder, set, precision);
    return kernelCases.map((one) => problemOf(one, precision));
  });
  console.log(JSON.stringify(problems.find((problem) => problem !== null) ?? null));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
