import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, toFloat32Array } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { layerNorm } from '../layers/layer-norm';
import { checkWeights } from '../shapes';
import { weightsFromSafetensors } from '../weights';
import { formatTextEncoderConfig, parseTextEncoderConfig } from './config';
import { FINAL_NORM, textEncoderShapes } from './shapes';
import { encodeText } from './text-encoder';

/** float32 noise against float64 is 3.1e-6; another order of sums gets the same again a few times over. */
const TOLERANCE = 2e-5;

const load = (folder: string) => {
  const path = (file: string) => join(__dirname, '../../fixtures', folder, file);
  const json = (file: string): unknown => JSON.parse(readFileSync(path(file), 'utf8'));
  const io = readSafetensors(readFileSync(path('io.safetensors'))).tensors;
  return {
    config: parseTextEncoderConfig(json('config.json')),
    loadWeights: () =>
      weightsFromSafetensors(readSafetensors(readFileSync(path('model.safetensors')))),
    cases: (json('cases.json') as { cases: Record<string, { input_ids: number[][] }> }).cases,
    difference: (name: string, actual: tf.Tensor): number => {
      const stored = io.get(name)!;
      expect(actual.shape).toEqual(stored.shape);
      const expected = toFloat32Array(stored);
      return actual
        .dataSync<'float32'>()
        .reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
    },
    has: (name: string) => io.has(name),
  };
};

describe.each(['clip-text-quick_gelu', 'clip-text-gelu', 'clip-text-projection'])(
  'encodeText on %s',
  (folder) => {
    const { config, cases, difference, has, loadWeights } = load(folder);
    let weights: Record<string, tf.Tensor>;
    // Not before: the backend is chosen in a beforeAll of the set-up.
    beforeAll(() => {
      weights = loadWeights();
    });

    it.each(['pad77', 'short'])('gives what transformers gives: %s', (name) => {
      const { lastHiddenState, pooled, projected, hiddenStates } = encodeText(
        config,
        weights,
        cases[name]!.input_ids,
      );
      expect(difference(`${name}.last_hidden_state`, lastHiddenState)).toBeLessThan(TOLERANCE);
      // A model with a projection gives the projected embedding instead of the pooled state.
      const [embedding, embeddingKey] =
        config.projectionSize === undefined
          ? [pooled, `${name}.pooler_output`]
          : [projected!, `${name}.text_embeds`];
      expect(difference(embeddingKey, embedding)).toBeLessThan(TOLERANCE);
      expect(hiddenStates.length).toBe(config.layers + 1);
      for (const [layer, state] of hiddenStates.entries()) {
        const key = `${name}.hidden_states.${layer}`;
        if (has(key)) expect(difference(key, state)).toBeLessThan(TOLERANCE);
      }
      // What pipelines call clip_skip 1: the last layer but one, normalised.
      const skipped = layerNorm({ weights }, FINAL_NORM, hiddenStates.at(-2)!, config.normEpsilon);
      expect(difference(`${name}.clip_skip_1`, skipped)).toBeLessThan(TOLERANCE);
    });

    it('has the weights that textEncoderShapes says', () => {
      checkWeights('the text encoder', weights, textEncoderShapes(config));
    });

    it('reads its own configuration back', () => {
      expect(parseTextEncoderConfig(formatTextEncoderConfig(config))).toEqual(config);
    });

    it('has the gradient that finite differences give, for every kind of weight', () => {
      const ids = [cases['short']!.input_ids[0]!.slice(0, 6)];
      const target = tf.randomNormal([1, 6, config.hiddenSize], 0, 1, 'float32', 3);
      const loss = (changed: Record<string, tf.Tensor>): tf.Scalar =>
        tf.tidy(() => {
          const { lastHiddenState } = encodeText(config, { ...weights, ...changed }, ids);
          return tf.sum(tf.mul(lastHiddenState, target));
        });
      const layer = 'text_model.encoder.layers.0';
      for (const key of [
        'text_model.embeddings.token_embedding.weight',
        'text_model.embeddings.position_embedding.weight',
        `${layer}.self_attn.q_proj.weight`,
        `${layer}.self_attn.v_proj.bias`,
        `${layer}.mlp.fc1.weight`,
        `${layer}.layer_norm1.weight`,
      ]) {
        const weight = weights[key]!;
        const gradient = tf.grad((w: tf.Tensor) => loss({ [key]: w }))(weight);
        expect(gradient.shape).toEqual(weight.shape);
        // Along the gradient itself the slope is its squared norm.
        const norm = tf.norm(gradient).dataSync()[0]!;
        const at = (step: number) =>
          loss({ [key]: tf.add(weight, tf.mul(gradient, step / norm)) }).dataSync()[0]!;
        const step = 1e-2;
        const slope = (at(step) - at(-step)) / (2 * step);
        // The third derivative and float32 noise of the loss (about 1e-6 / step) leave a few thousandths.
        expect(Math.abs(slope / norm - 1)).toBeLessThan(1e-2);
      }
    });

    it('keeps no tensors but its results', () => {
      const before = tf.memory().numTensors;
      const { lastHiddenState, pooled, projected, hiddenStates } = encodeText(config, weights, [
        [1, 2],
      ]);
      const results = [lastHiddenState, pooled, ...(projected ? [projected] : []), ...hiddenStates];
      expect(tf.memory().numTensors - before).toBe(results.length);
      tf.dispose(results);
      expect(tf.memory().numTensors).toBe(before);
    });

    it('refuses ids that do not fit', () => {
      const encode = (ids: number[][]) => () => encodeText(config, weights, ids);
      expect(encode([])).toThrow(/rows of 1 to 77 token ids, got 0 rows of 0/);
      expect(encode([Array<number>(78).fill(0)])).toThrow(/got 1 rows of 78/);
      expect(encode([[1, 2], [1]])).toThrow(/row 1 has 1, row 0 has 2/);
      expect(encode([[1014]])).toThrow(/0 to 1013, row 0 has 1014/);
      expect(encode([[-1]])).toThrow(/row 0 has -1/);
      expect(encode([[0.5]])).toThrow(/row 0 has 0.5/);
    });
  },
);
