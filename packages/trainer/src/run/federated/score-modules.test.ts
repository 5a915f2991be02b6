import * as tf from '@tensorflow/tfjs-core';

import { makeRunFolder, type RunFolder } from '../../testing/tiny-run';
import { openRun } from '../open-run';

let folder: RunFolder;
beforeAll(() => {
  folder = makeRunFolder();
});
afterAll(() => {
  folder.remove();
});

const PROMPTS = ['circle', 'square'].flatMap((family) =>
  ['a red', 'a blue', 'two green'].map((colour) => ({ text: `${colour} ${family}`, family })),
);

async function modulesOf(layers: unknown, overrides: readonly string[] = []) {
  const clients = ['circle', 'square'].map((family) => ({ name: family, family }));
  const config = folder.configFor('x', ['evaluate.images=0', ...overrides], {
    ...{ iterations: 2, federated: { clients, localIterations: 1, layers } },
  });
  const kept = tf.memory().numTensors;
  const run = await openRun(config, { withoutFiles: true, prompts: PROMPTS });
  run.dispose();
  expect(tf.memory().numTensors).toBe(kept);
  return [...run.federation!.modules];
}

test('a part of the modules is those of the highest scores, whoever asks', async () => {
  const all = await modulesOf(1);
  const named = await modulesOf('all');
  expect([...all].sort()).toEqual([...named].sort());
  // In the order of the scores, of which a part is the beginning.
  expect(all).not.toEqual(named);
  const half = await modulesOf(0.5);
  expect(half).toEqual(all.slice(0, Math.round(all.length / 2)));
  expect(await modulesOf(1e-3)).toEqual(all.slice(0, 1));
  expect(await modulesOf(0.5, ['memory.textEncoders=release'])).toEqual(half);
});

test('what does not depend on the prompt has the highest score', async () => {
  // The projection of the timestep is the same for all samples: all of the cosine matrix is 1.
  const [first] = await modulesOf(0.01, ['lora.targets=[to_q,to_k,time_emb_proj]']);
  expect(first).toMatch(/time_emb_proj$/);
});
