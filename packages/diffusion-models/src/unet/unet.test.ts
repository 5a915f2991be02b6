import { readFileSync } from 'node:fs';
import { readSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { residualBlock } from '../layers/residual-block';
import { silu } from '../layers/activations';
import { checkWeights } from '../shapes';
import { fixtureTensors, largestDifference, seededRandom } from '../testing/tensors';
import { mergeLora } from '../lora/merge-lora';
import type { LoraAdapter, Weights } from '../types';
import { weightsFromSafetensors } from '../weights';
import { parseUNetConfig } from './config';
import { addedCondition, timeEmbedding, timestepSinusoid, unetTimesteps } from './time-embedding';
import { unet } from './unet';
import { initializeUNet, unetShapes } from './unet-shapes';

/** diffusers' float32 is 1.2e-5 away from float64 at worst; ours is of the same kind. */
const OUTPUT_TOLERANCE = 2e-5;
/** Of the largest: diffusers' own noise is 1.2e-4, and 6.5e-4 for the worst parameter. */
const INPUT_GRADIENT_TOLERANCE = 3e-4;
const PARAMETER_GRADIENT_TOLERANCE = 1.5e-3;

interface Fixture {
  cases: Record<string, { timestep: number | number[] }>;
  param_grads: { case: string; l2_sum_first: Record<string, [number, number, number]> };
}

function open(fixture: string) {
  const file = (name: string): Uint8Array =>
    readFileSync(`${__dirname}/../../fixtures/${fixture}/${name}`);
  const json = (name: string): unknown => JSON.parse(Buffer.from(file(name)).toString());
  const config = parseUNetConfig(json('config.json'));
  const weights = weightsFromSafetensors(
    readSafetensors(file('diffusion_pytorch_model.safetensors')),
  );
  const expected = fixtureTensors(file('io.safetensors'));
  const { cases, param_grads: parameterGradients } = json('cases.json') as Fixture;
  const inputOf = (name: string) => ({
    sample: expected(`${name}.sample`) as tf.Tensor4D,
    timesteps: cases[name]!.timestep,
    encoderHiddenStates: expected(`${name}.encoder_hidden_states`) as tf.Tensor3D,
    added: config.addedCondition && addedOf(name),
  });
  /** Rows may have sizes of their own: one by one. */
  const addedOf = (name: string): tf.Tensor2D => {
    const embeddings = expected(`${name}.added_cond.text_embeds`) as tf.Tensor2D;
    const texts = tf.split<tf.Tensor2D>(embeddings, embeddings.shape[0]);
    const sizes = (expected(`${name}.added_cond.time_ids`) as tf.Tensor2D).arraySync();
    return tf.concat(texts.map((text, row) => addedCondition(config, text, sizes[row]!)));
  };
  return { config, weights, expected, inputOf, parameterGradients };
}

describe.each(['unet-sd1', 'unet-sd2', 'unet-sdxl'])('parity with diffusers: %s', (fixture) => {
  test('its weights are those that the config asks for', () => {
    const { config, weights } = open(fixture);
    expect(() => checkWeights('unet', weights, unetShapes(config))).not.toThrow();
  });

  test.each(['scalar', 'scalar_t0', 'per_sample', 'oddsize'])(
    '%s: output and input gradients',
    (name) => {
      const { config, weights, expected, inputOf } = open(fixture);
      const input = inputOf(name);
      const output = unet(config, weights, input);
      expect(largestDifference(output, expected(`${name}.output`))).toBeLessThan(OUTPUT_TOLERANCE);

      const [sample, text] = tf.grads((x, context) => {
        const predicted = unet(config, weights, {
          ...input,
          sample: x as tf.Tensor4D,
          encoderHiddenStates: context as tf.Tensor3D,
        });
        return tf.sum(tf.mul(predicted, expected(`${name}.grad_output`)));
      })([input.sample, input.encoderHiddenStates]) as [tf.Tensor, tf.Tensor];
      expect(sample).toBeGradient(expected(`${name}.grad.sample`), INPUT_GRADIENT_TOLERANCE);
      expect(text).toBeGradient(
        expected(`${name}.grad.encoder_hidden_states`),
        INPUT_GRADIENT_TOLERANCE,
      );
    },
  );

  test('gradients of every parameter', () => {
    const { config, weights, expected, inputOf, parameterGradients } = open(fixture);
    const { case: name, l2_sum_first: statistics } = parameterGradients;
    const keys = Object.keys(weights);
    expect(Object.keys(statistics).sort()).toEqual([...keys].sort());
    const gradients = tf.grads((...values) => {
      const model = Object.fromEntries(keys.map((key, index) => [key, values[index]!]));
      const output = unet(config, model, inputOf(name));
      return tf.sum(tf.mul(output, expected(`${name}.grad_output`)));
    })(keys.map((key) => weights[key]!));
    keys.forEach((key, index) => {
      const gradient = gradients[index]!;
      const [l2, sum, first] = statistics[key]!;
      // A transposed kernel keeps its norm, its sum and its first element.
      const found = [
        tf.norm(gradient).dataSync()[0]!,
        tf.sum(gradient).dataSync()[0]!,
        gradient.dataSync()[0]!,
      ];
      const worst = Math.max(...[l2, sum, first].map((value, i) => Math.abs(found[i]! - value)));
      expect({ key, off: worst / l2 > PARAMETER_GRADIENT_TOLERANCE }).toEqual({ key, off: false });
    });
  });

  test('activations on the way', () => {
    const { config, weights, expected, inputOf } = open(fixture);
    const parameters = { weights };
    const activation = (name: string) => expected(`scalar.act.${name}`);
    // Equal to the bit would need the same cos and sin; they differ in the last place.
    const channels = config.blockOutChannels[0]!;
    expect(
      largestDifference(timestepSinusoid([981, 981], channels, config), activation('time_proj')),
    ).toBeLessThan(1e-7);
    const sinusoids = tf.tile(unetTimesteps(config, 981), [2, 1]);
    expect(
      largestDifference(timeEmbedding(parameters, sinusoids), activation('time_embedding')),
    ).toBeLessThan(OUTPUT_TOLERANCE);
    const time = timeEmbedding(parameters, sinusoids, inputOf('scalar').added);
    const path = 'down_blocks.0.resnets.0';
    const block = residualBlock(
      parameters,
      path,
      activation('conv_in') as tf.Tensor4D,
      { groups: config.normGroups, epsilon: config.normEpsilon },
      silu(time),
    );
    expect(largestDifference(block, activation(path))).toBeLessThan(OUTPUT_TOLERANCE);
  });
});

const SMALL = {
  block_out_channels: [4, 8],
  layers_per_block: 1,
  norm_num_groups: 2,
  attention_head_dim: 2,
  cross_attention_dim: 6,
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
};

function small(rows = 2) {
  const config = parseUNetConfig(SMALL);
  const weights = initializeUNet(config, seededRandom(1));
  const { normal } = seededRandom(2);
  const input = {
    sample: tf.tensor4d(normal(rows * 4 * 4 * 4), [rows, 4, 4, 4]),
    timesteps: 500 as number | number[],
    encoderHiddenStates: tf.tensor3d(normal(rows * 5 * 6), [rows, 5, 6]),
  };
  return { config, weights, input };
}

/** An adapter of every attention projection, both matrices non-zero. */
function smallAdapter(weights: Weights): LoraAdapter {
  const { normal } = seededRandom(3);
  const adapter: Record<string, tf.Tensor> = {};
  for (const [key, weight] of Object.entries(weights)) {
    const path = /^(.*attn\d\.to_(?:q|k|v|out\.0))\.weight$/.exec(key)?.[1];
    if (path === undefined) continue;
    const [outputs, inputs] = weight.shape as [number, number];
    adapter[`${path}.lora.down.weight`] = tf.tensor2d(normal(2 * inputs), [2, inputs]);
    adapter[`${path}.lora.up.weight`] = tf.tensor2d(normal(2 * outputs), [outputs, 2]);
  }
  const targets = ['to_q', 'to_k', 'to_v', 'to_out.0'];
  return { config: { rank: 2, alpha: 4, targets }, weights: adapter };
}

test('a timestep per row equals row by row', () => {
  const { config, weights, input } = small();
  const together = unet(config, weights, { ...input, timesteps: [10, 900] });
  const second = unet(config, weights, {
    sample: tf.slice(input.sample, [1, 0, 0, 0]),
    timesteps: 900,
    encoderHiddenStates: tf.slice(input.encoderHiddenStates, [1, 0, 0]),
  });
  expect(largestDifference(tf.slice(together, [1, 0, 0, 0]), second)).toBeLessThan(1e-6);
});

test('an adapter acts, and takes gradients where the weights take none', () => {
  const { config, weights, input } = small();
  const lora = smallAdapter(weights);
  const plain = unet(config, weights, input);
  expect(largestDifference(unet(config, weights, { ...input, lora }), plain)).toBeGreaterThan(0.01);
  const keys = Object.keys(lora.weights);
  const loss = (output: tf.Tensor4D): tf.Scalar => tf.mean(tf.square(output));
  const gradients = tf.grads((...values) => {
    const adapted = { ...lora, weights: Object.fromEntries(keys.map((k, i) => [k, values[i]!])) };
    return loss(unet(config, weights, { ...input, lora: adapted }));
  })(keys.map((key) => lora.weights[key]!));

  // Those of the merged weights W = W₀ + s · up down, by the chain rule: s G downᵀ of up, s upᵀ G of down.
  const merged = mergeLora(weights, lora);
  const paths = keys
    .filter((key) => key.endsWith('.lora.up.weight'))
    .map((key) => key.slice(0, -15));
  const ofMerged = tf.grads((...values) => {
    const own = Object.fromEntries(paths.map((path, i) => [`${path}.weight`, values[i]!]));
    return loss(unet(config, { ...merged, ...own }, input));
  })(paths.map((path) => merged[`${path}.weight`]!));
  const scale = lora.config.alpha / lora.config.rank;
  paths.forEach((path, index) => {
    const [up, down] = [`${path}.lora.up.weight`, `${path}.lora.down.weight`];
    const [ofUp, ofDown] = [gradients[keys.indexOf(up)]!, gradients[keys.indexOf(down)]!];
    const gradient = tf.mul<tf.Tensor2D>(ofMerged[index]!, scale);
    // Float32 leaves less than 1e-5.
    expect(ofUp).toBeGradient(tf.matMul(gradient, lora.weights[down]!, false, true), 2e-5);
    expect(ofDown).toBeGradient(tf.matMul(lora.weights[up]!, gradient, true, false), 2e-5);
  });
});

test('training an adapter computes no gradient of a convolution kernel', async () => {
  const { config, weights, input } = small();
  const lora = smallAdapter(weights);
  const [path] = Object.keys(lora.weights) as [string];
  const { kernels } = await tf.profile(() =>
    tf.grad((value) => {
      const adapted = { ...lora, weights: { ...lora.weights, [path]: value } };
      return tf.sum(unet(config, weights, { ...input, lora: adapted }));
    })(lora.weights[path]!),
  );
  const names = kernels.map(({ name }) => name);
  const had = (...wanted: string[]): boolean => names.some((name) => wanted.includes(name));
  expect(had(tf.Conv2DBackpropInput, 'LoopConvolutionInputGradient')).toBe(true);
  expect(had(tf.Conv2DBackpropFilter, 'LoopConvolutionKernelGradient')).toBe(false);
});

test('leaves no tensor behind but its result', () => {
  const { config, weights, input } = small();
  const lora = smallAdapter(weights);
  // The first call of a size makes the constants that the norms keep.
  unet(config, weights, { ...input, lora }).dispose();
  const before = tf.memory().numTensors;
  unet(config, weights, { ...input, lora }).dispose();
  expect(tf.memory().numTensors).toBe(before);
  const { value, grads } = tf.valueAndGrads((x) =>
    tf.sum(unet(config, weights, { ...input, sample: x as tf.Tensor4D, lora })),
  )([input.sample]);
  expect(tf.memory().numTensors).toBe(before + 2);
  tf.dispose([value, grads]);
});

test('a fresh model has the statistics of PyTorch', () => {
  const { config, weights } = small();
  expect(
    Object.fromEntries(Object.entries(weights).map(([key, { shape }]) => [key, shape])),
  ).toEqual(unetShapes(config));
  const bound = (key: string) => tf.max(tf.abs(weights[key]!)).dataSync()[0]!;
  expect(tf.min(weights['conv_norm_out.weight']!).dataSync()[0]).toBe(1);
  expect(bound('conv_norm_out.bias')).toBe(0);
  // U(±1/√fan_in): 3 · 3 · 8 inputs of a convolution, 16 of the second linear layer
  // The largest of n such numbers is below 1 − 8/n in e^−8 of all cases.
  const expectBound = (key: string, inputs: number) => {
    const largest = bound(key) * Math.sqrt(inputs);
    expect(largest).toBeLessThanOrEqual(1);
    expect(largest).toBeGreaterThan(1 - 8 / weights[key]!.size);
  };
  expectBound('mid_block.resnets.0.conv1.weight', 72);
  expectBound('time_embedding.linear_2.weight', 16);
  expectBound('time_embedding.linear_2.bias', 16);
});

interface Change {
  timesteps: number[];
  sample: [number, number, number, number];
  encoderHiddenStates: [number, number, number];
}

test.each([
  [{ timesteps: [1, 2, 3] }, '3 timesteps for 2 rows of the sample'],
  [{ sample: [2, 4, 4, 3] }, 'sample has shape [2, 4, 4, 3], expected [batch, height, width, 4]'],
  [
    { encoderHiddenStates: [1, 5, 6] },
    'encoderHiddenStates has shape [1, 5, 6], expected [2, tokens, 6]',
  ],
])('refuses an input that does not fit: %j', (change, message) => {
  const { config, weights, input } = small();
  const { timesteps, sample, encoderHiddenStates } = change as Partial<Change>;
  const changed = {
    ...input,
    ...(timesteps && { timesteps }),
    ...(sample && { sample: tf.zeros<tf.Rank.R4>(sample) }),
    ...(encoderHiddenStates && {
      encoderHiddenStates: tf.zeros<tf.Rank.R3>(encoderHiddenStates),
    }),
  };
  expect(() => unet(config, weights, changed)).toThrow(message);
});
