import { readFileSync } from 'node:fs';

import { readSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';

import { fixtureTensors, largestDifference } from '../testing/tensors';
import { parseUNetConfig } from '../unet/config';
import { unet } from '../unet/unet';
import { weightsFromSafetensors } from '../weights';
import { crossAttention, projectContext, selfAttention } from './attention';
import { convolution, pointwiseConvolution } from './convolution';
import { gatedLinear } from './gated-linear';

/** What `work` lets an observer know. */
function observed(work: (observe: (path: string, output: tf.Tensor) => void) => void) {
  const outputs = new Map<string, tf.Tensor>();
  work((path, output) => {
    // Each layer once.
    expect(outputs.has(path)).toBe(false);
    outputs.set(path, tf.keep(output.clone()));
  });
  return outputs;
}

const random = (...shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', shape.length);

test('attention gives its projections as they are by themselves', () => {
  const names = ['to_q', 'to_k', 'to_v', 'to_out.0'];
  const weights = Object.fromEntries(names.map((name) => [`a.${name}.weight`, random(4, 4)]));
  weights['a.to_out.0.bias'] = random(4);
  const x = random(6, 4) as tf.Tensor2D;
  const size = { batch: 2, heads: 2 } as Parameters<typeof selfAttention>[3];
  const outputs = observed((observe) => {
    const result = selfAttention({ weights, observe }, 'a', x, size, x);
    // Without what is added to it.
    observe('result', tf.sub(result, x));
  });
  for (const name of names.slice(0, 3)) {
    const expected = tf.matMul(x, weights[`a.${name}.weight`] as tf.Tensor2D, false, true);
    expect(largestDifference(outputs.get(`a.${name}`)!, expected)).toBeLessThan(1e-5);
  }
  expect(largestDifference(outputs.get('a.to_out.0')!, outputs.get('result')!)).toBe(0);

  const across = observed((observe) => {
    const parameters = { weights, observe };
    crossAttention(parameters, 'a', x, projectContext(parameters, 'a', x), size);
  });
  expect([...across.keys()].sort()).toEqual(names.map((name) => `a.${name}`).sort());
});

test('a gated layer gives both halves, and a convolution its own bias alone', () => {
  const weights = {
    ...{ 'g.weight': random(8, 4), 'g.bias': random(8) },
    ...{ 'c.weight': random(3, 3, 2, 2), 'c.bias': random(2) },
    ...{ 'p.weight': random(1, 1, 2, 3), 'p.bias': random(3) },
  };
  const rows = random(5, 4) as tf.Tensor2D;
  const image = random(1, 3, 3, 2) as tf.Tensor4D;
  const outputs = observed((observe) => {
    const parameters = { weights, observe };
    gatedLinear(parameters, 'g', rows);
    convolution(parameters, 'c', image, { bias: false, add: image });
    pointwiseConvolution(parameters, 'p', image, { bias: random(3) });
  });
  const both = tf.add(
    tf.matMul(rows, weights['g.weight'] as tf.Tensor2D, false, true),
    weights['g.bias'],
  );
  expect(largestDifference(outputs.get('g')!, both)).toBeLessThan(1e-5);
  for (const [path, plain] of [
    ['c', convolution({ weights }, 'c', image)],
    ['p', pointwiseConvolution({ weights }, 'p', image)],
  ] as const) {
    expect(largestDifference(outputs.get(path)!, plain)).toBeLessThan(1e-5);
  }
});

test('of a UNet every layer is told of once, and its result is the same to the last bit', () => {
  const file = (name: string) =>
    new Uint8Array(readFileSync(`${__dirname}/../../fixtures/unet-sd1/${name}`));
  const config = parseUNetConfig(JSON.parse(Buffer.from(file('config.json')).toString()));
  const weights = weightsFromSafetensors(
    readSafetensors(file('diffusion_pytorch_model.safetensors')),
  );
  const expected = fixtureTensors(file('io.safetensors'));
  const input = {
    sample: expected('scalar.sample') as tf.Tensor4D,
    timesteps: 500,
    encoderHiddenStates: expected('scalar.encoder_hidden_states') as tf.Tensor3D,
  };
  let result: tf.Tensor | undefined;
  const outputs = observed((observe) => {
    result = unet(config, weights, { ...input, observe });
  });
  expect(largestDifference(result!, unet(config, weights, input))).toBe(0);
  const layers = Object.entries(weights)
    .filter(([key, { rank }]) => key.endsWith('.weight') && rank > 1)
    .map(([key]) => key.replace(/\.weight$/, ''));
  expect([...outputs.keys()].sort()).toEqual(layers.sort());
});
