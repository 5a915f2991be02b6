import * as tf from '@tensorflow/tfjs-core';
import { checkWeights } from '../shapes';
import { parseTextEncoderConfig } from './config';
import { initializeTextEncoder } from './initialize';
import { textEncoderShapes } from './shapes';
import { encodeText } from './text-encoder';

describe('initializeTextEncoder', () => {
  const config = parseTextEncoderConfig({
    vocab_size: 600,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    max_position_embeddings: 16,
  });
  /** A fixed stream: what matters here is the scale. */
  let normals: Float32Array;
  const random = {
    normal: (count: number) => normals.slice(0, count),
    uniform: () => {
      throw new Error('not needed');
    },
  };
  let weights: Record<string, tf.Tensor>;
  beforeAll(() => {
    normals = tf.randomNormal([60_000], 0, 1, 'float32', 5).dataSync<'float32'>();
    weights = initializeTextEncoder(config, random);
  });

  it('makes every weight', () => {
    checkWeights('the text encoder', weights, textEncoderShapes(config));
  });

  it.each([
    ['text_model.embeddings.token_embedding.weight', 0.02],
    ['text_model.encoder.layers.0.self_attn.q_proj.weight', 1 / 8 / 2],
    ['text_model.encoder.layers.1.self_attn.out_proj.weight', 1 / 8],
    ['text_model.encoder.layers.1.mlp.fc1.weight', 1 / Math.sqrt(128)],
    ['text_model.encoder.layers.1.mlp.fc2.weight', 1 / 8 / 2],
  ])('gives %s the standard deviation of transformers', (key, std) => {
    const { variance } = tf.moments(weights[key]!);
    // 4096 draws or more: the estimate's own spread is about 1 %.
    expect(Math.sqrt(variance.dataSync()[0]!) / std).toBeCloseTo(1, 1);
  });

  it('starts biases at 0 and norms at 1', () => {
    const values = (key: string) => weights[key]!.dataSync();
    expect(values('text_model.encoder.layers.0.mlp.fc1.bias').every((v) => v === 0)).toBe(true);
    expect(values('text_model.final_layer_norm.weight').every((v) => v === 1)).toBe(true);
    expect(values('text_model.final_layer_norm.bias').every((v) => v === 0)).toBe(true);
  });

  it('gives an encoder with finite states', () => {
    const { lastHiddenState } = encodeText(config, weights, [[1, 2, 3]]);
    expect(lastHiddenState.dataSync().every(Number.isFinite)).toBe(true);
  });
});
