import { join } from 'node:path';

import { loadStableDiffusion } from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { nodeFolderReader } from '../files/node-folder-reader';
import { disposeTexts } from './text-condition';
import { createTextSource, rememberTexts } from './text-source';

const open = (name: string) =>
  loadStableDiffusion(
    nodeFolderReader(join(__dirname, '../../../diffusion-models/fixtures', name)),
  );
const prompts = ['a red circle', 'two green triangles', 'a red circle'];

test.each(['pipeline', 'pipeline-xl'])(
  'what was remembered of %s is what its text encoders say',
  async (name) => {
    const model = await open(name);
    const source = createTextSource(model, [8, 8, 4]);
    const [known, empty] = [source.encode(prompts), source.empty()];
    const before = tf.memory().numTensors;
    const remembered = rememberTexts(model, [8, 8, 4], prompts);
    // Nothing is held on the device, and the encoders are gone.
    expect(tf.memory().numTensors).toBeLessThan(before - 20);
    for (const [text, expected] of [
      [remembered.encode(prompts), known],
      [remembered.empty(), empty],
    ] as const) {
      expect(text.states.shape).toEqual(expected.states.shape);
      // Other batches, other order of sums: float32 noise.
      const off = tf.max(tf.abs(tf.sub(text.states, expected.states))).dataSync()[0];
      expect(off).toBeLessThan(2e-6);
      expect(text.added?.shape).toEqual(expected.added?.shape);
      if (text.added !== undefined) {
        expect(tf.max(tf.abs(tf.sub(text.added, expected.added!))).dataSync()[0]).toBeLessThan(
          2e-6,
        );
      }
      disposeTexts(text, expected);
    }
    expect(() => remembered.encode(['another'])).toThrow('"another" was not encoded beforehand');
    expect(() => source.encode(['another'])).toThrow();
  },
);
