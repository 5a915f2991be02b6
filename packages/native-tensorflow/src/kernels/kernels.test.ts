import * as tf from '@tensorflow/tfjs-core';
import { compile } from '../compile/compile';
import { sideBySide } from '../compile/program-order';
import { useBestBackend } from '../use-best-backend';
import { relativeError } from './compare-tensors';
import { kernelDefinitions } from './definitions';
import { canServe } from '../fixtures/installed-kernels';
import { kernelCases, runKernel, type KernelCase, type KernelInputs } from './kernel-cases';

/** Sums of up to a few hundred products of numbers below 1, of which each step rounds by 6e-8 of the largest at most. */
const limit = 5e-6;

const describeKernels = canServe() || Boolean(process.env['CI']) ? describe : describe.skip;

function bytes(tensors: readonly tf.Tensor[]): string[] {
  return tensors.map((tensor) => Buffer.from(tensor.dataSync().slice().buffer).toString('base64'));
}

function expectClose(actual: readonly tf.Tensor[], expected: readonly tf.Tensor[]): void {
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  for (const [index, one] of expected.entries()) {
    expect(relativeError(actual[index]!, one)).toBeLessThan(limit);
  }
}

const named = kernelCases.map((one) => [`${one.kernel} ${one.about}`, one] as const);

describeKernels('the kernels', () => {
  beforeAll(async () => {
    const { kernels } = await useBestBackend({ backend: 'tensorflow', quiet: true });
    expect(kernels).toMatchObject({ set: expect.stringMatching(/^avx/) as string });
  });

  it('every kernel is tried', () => {
    const tried = new Set(kernelCases.map(({ kernel }) => kernel));
    expect([...tried].sort()).toEqual(kernelDefinitions.map(({ name }) => name).sort());
  });

  describe.each(named)('%s', (_, oneCase) => {
    it('gives what operations of TensorFlow.js give, and leaves no tensor behind', () => {
      const inputs = oneCase.inputs();
      const { numTensors, numDataBuffers } = tf.memory();
      const actual = runKernel(oneCase, inputs);
      expect(tf.memory()).toMatchObject({
        numTensors: numTensors + actual.length,
        numDataBuffers: numDataBuffers + actual.length,
      });
      tf.tidy(() => expectClose(actual, oneCase.expected(inputs)));
      tf.dispose([actual, inputs]);
    });

    it('gives the same bytes inside a compiled function, and beside others', () => {
      tf.tidy(() => {
        const inputs = oneCase.inputs();
        const eager = bytes(runKernel(oneCase, inputs));
        const whole = compile((given: KernelInputs) => runKernel(oneCase, given));
        const beside = compile((given: KernelInputs) =>
          sideBySide([0, 1], () => runKernel(oneCase, given)),
        );
        expect(bytes(whole(inputs))).toEqual(eager);
        for (const part of beside(inputs)) expect(bytes(part)).toEqual(eager);
        whole.dispose();
        beside.dispose();
      });
    });
  });

  const linear = kernelCases[0] as KernelCase;

  describe('shapes that do not fit', () => {
    function run(inputs: KernelInputs, attributes: tf.NamedAttrMap = {}): () => tf.Tensor[] {
      return () => runKernel({ ...linear, attributes }, inputs);
    }
    const tensors = (shapes: Readonly<Record<string, number[]>>): KernelInputs =>
      Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, tf.ones(shape)]));
    const [x, weight] = [
      [2, 3],
      [4, 3],
    ];

    it.each([
      ['x [2, 4, 1] must have 2 dimensions', { x: [2, 4, 1], weight }],
      ['weight [4, 2] must be of shape [4, 3]', { x, weight: [4, 2] }],
      ['bias [5] must be of shape [4]', { x, weight, bias: [5] }],
      ['add [2, 3] must be of shape [2, 4]', { x, weight, add: [2, 3] }],
      ['x must have columns', { x: [2, 0], weight: [4, 0] }],
    ])('%s', (message, shapes) => {
      const inputs = tensors(shapes);
      expect(run(inputs)).toThrow(`LoopLinear: ${message}`);
      expect(() => compile((given: KernelInputs) => run(given)())(inputs)).toThrow(
        `LoopLinear: ${message}`,
      );
    });

    // Only an attribute says how large it is, and it is allocated.
    it.each([
      [1, 4, 'framed on all sides', false],
      [1, 5, 'framed before it alone', false],
      [1, 6, 'with a row that no window reaches', true],
      [1, 1e9, 'too large for any memory', true],
      [2, 9, 'all reached by stride 2', false],
      [2, 10, 'too large for it', true],
    ])('the gradient of an image, stride %i, of %i rows: %s', (stride, size, _, refused) => {
      const gradient = kernelCases.find(({ kernel }) => kernel === 'LoopConvolutionInputGradient')!;
      const attributes = { stride, padding: [1, 1], inputSize: [size, size] };
      const inputs = { dy: tf.ones([1, 4, 4, 2]), kernel: tf.ones([3, 3, 2, 2]) };
      const run = (): tf.Tensor[] => runKernel({ ...gradient, attributes }, inputs);
      if (refused) expect(run).toThrow('the image must end where one more window would not fit');
      else expect(run().map(({ shape }) => shape)).toEqual([[1, size, size, 2]]);
    });

    it('another type than float32', () => {
      expect(run({ x: tf.ones([2, 3], 'int32'), weight: tf.ones([4, 3]) })).toThrow(/float/);
    });
  });

  it('results without numbers are empty, and sums of nothing are zeros', () => {
    const empty = tf.zeros([0, 3]);
    const [y] = runKernel(linear, { x: empty, weight: tf.ones([4, 3]) });
    expect(y?.shape).toEqual([0, 4]);
    const gradient = kernelCases.find(({ kernel }) => kernel === 'LoopLinearWeightGradient')!;
    const [dWeight] = runKernel(gradient, { dy: tf.zeros([0, 2]), x: empty });
    expect(dWeight?.arraySync()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });
});
