/**
 * What a pass of the UNet costs, counted and not timed: how often each operation is called and how many numbers the results
 * have. A change that calls more, or copies more, fails here; one that needs less lowers the figures.
 */
import { readFileSync } from 'node:fs';
import { readSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel } from '../layers/operations/kernel';
import { createLoraAdapter } from '../lora/create-lora-adapter';
import { seededRandom } from '../testing/tensors';
import { weightsFromSafetensors } from '../weights';
import { parseUNetConfig } from './config';
import { unet } from './unet';

interface Cost {
  readonly calls: Readonly<Record<string, number>>;
  /** Of all results. */
  readonly numbers: number;
}

const file = (name: string): Uint8Array =>
  readFileSync(`${__dirname}/../../fixtures/unet-sd1/${name}`);
const config = parseUNetConfig(JSON.parse(Buffer.from(file('config.json')).toString()));
const weights = weightsFromSafetensors(
  readSafetensors(file('diffusion_pytorch_model.safetensors')),
);
const lora = createLoraAdapter(
  weights,
  { rank: 2, alpha: 2, targets: ['to_q', 'to_k', 'to_v', 'to_out.0'] },
  seededRandom(1),
);

function predict(adapter: typeof lora | undefined): tf.Tensor4D {
  return unet(config, weights, {
    sample: tf.ones([2, 8, 8, config.inChannels]),
    timesteps: 3,
    encoderHiddenStates: tf.ones([2, 5, config.crossAttentionDim]),
    lora: adapter,
  });
}

type Way = 'kernels' | 'composed';
/** How the layers are computed, which changes what is called. */
const way = (): Way => (hasKernel('LoopConvolution') ? 'kernels' : 'composed');

/** What gives its input back, and what is listed besides the operations that it calls: those with a gradient of their own. */
const FREE = new Set([tf.Identity, tf.Reshape, 'LoopWiden', 'unnamed scope']);

async function costOf(work: () => tf.Tensor | tf.NamedTensorMap): Promise<Cost> {
  const { kernels } = await tf.profile(() => work());
  const called = kernels.filter(({ name }) => !FREE.has(name));
  const calls: Record<string, number> = {};
  for (const { name } of called) calls[name] = (calls[name] ?? 0) + 1;
  const shapes = called.flatMap(({ outputShapes }) => outputShapes);
  return { calls, numbers: shapes.reduce((sum, shape) => sum + tf.util.sizeFromShape(shape), 0) };
}

const expected: Readonly<Record<Way, { forward: Cost; gradient: Cost }>> = {
  kernels: {
    forward: {
      calls: {
        Add: 18,
        Concat: 20,
        LoopAttention: 14,
        LoopConvolution: 28,
        LoopGatedLinear: 7,
        LoopGroupNorm: 30,
        LoopLayerNorm: 21,
        LoopLinear: 85,
        Multiply: 16,
        Sigmoid: 2,
      },
      numbers: 145_776,
    },
    gradient: {
      calls: {
        Add: 61,
        AvgPool: 2,
        Cast: 16,
        Concat: 32,
        LoopAttention: 14,
        LoopAttentionGradient: 14,
        LoopConvolution: 28,
        LoopConvolutionInputGradient: 25,
        LoopGate: 7,
        LoopGateGradient: 7,
        LoopGroupNorm: 30,
        LoopGroupNormGradient: 27,
        LoopLayerNorm: 21,
        LoopLayerNormGradient: 20,
        LoopLinear: 299,
        LoopLinearWeightGradient: 88,
        Multiply: 47,
        PadV2: 18,
        Sigmoid: 2,
        Slice: 18,
        SplitV: 26,
        Sum: 1,
      },
      numbers: 421_855,
    },
  },
  composed: {
    forward: {
      calls: {
        Add: 255,
        BatchMatMul: 246,
        Concat: 20,
        Conv2D: 28,
        Erf: 7,
        Multiply: 311,
        PadV2: 2,
        ResizeNearestNeighbor: 2,
        Rsqrt: 51,
        Sigmoid: 25,
        Softmax: 14,
        SplitV: 27,
        Square: 21,
        SquaredDifference: 30,
        Sub: 62,
        Sum: 102,
        Transpose: 35,
      },
      numbers: 778_000,
    },
    gradient: {
      calls: {
        Add: 469,
        BatchMatMul: 711,
        Cast: 15,
        Concat: 47,
        Conv2D: 28,
        Conv2DBackpropInput: 25,
        Erf: 7,
        Exp: 7,
        Multiply: 917,
        Neg: 54,
        PadV2: 20,
        ResizeNearestNeighbor: 2,
        ResizeNearestNeighborGrad: 2,
        Rsqrt: 51,
        Sigmoid: 25,
        Slice: 20,
        Softmax: 14,
        SplitV: 53,
        Square: 55,
        SquaredDifference: 30,
        Sub: 171,
        Sum: 211,
        Transpose: 70,
      },
      numbers: 1_783_952,
    },
  },
};

test('a forward pass', async () => {
  expect(await costOf(() => predict(undefined))).toEqual(expected[way()].forward);
});

test('the gradient of an adapter', async () => {
  const variables = Object.values(lora.weights).filter(
    (weight): weight is tf.Variable => weight instanceof tf.Variable,
  );
  const gradients = () => tf.variableGrads(() => tf.sum<tf.Scalar>(predict(lora)), variables).grads;
  expect(await costOf(gradients)).toEqual(expected[way()].gradient);
});
