/** Drawing and evaluating without files. */
import * as tf from '@tensorflow/tfjs-core';

import { red } from '../testing/example-rewards';
import { PIPELINE } from '../testing/fixtures';
import { draw } from './draw';
import { evaluate } from './evaluate';

const small = { model: PIPELINE, steps: 2, prompts: ['a red circle', 'a blue square'] };

test('images come back, the same from the trace of the first ones, and nothing stays in memory', async () => {
  const first = await draw({ ...small, trace: true });
  expect(first.prompts).toEqual(small.prompts);
  expect(first.images).toHaveLength(2);
  const { latents, noise, logProbs, timesteps } = first.trace!;
  expect(latents.shape).toEqual([2, 3, 4, 8, 8]);
  expect(noise!.shape).toEqual([2, 2, 4, 8, 8]);
  expect(logProbs!.shape).toEqual([2, 2]);
  expect(timesteps).toHaveLength(2);

  // The first batch leaves the constants that the norms keep.
  const tensors = tf.memory().numTensors;
  const size = 4 * 8 * 8;
  const starts = [0, 3].flatMap((at) => [...latents.values.subarray(at * size, (at + 1) * size)]);
  const again = await draw({
    ...small,
    seed: 1,
    latents: { shape: [2, 4, 8, 8], values: Float32Array.from(starts) },
    noise: noise!,
  });
  expect(tf.memory().numTensors).toBe(tensors);
  expect(again.images).toEqual(first.images);
});

test('tensors of another size are refused in a sentence', async () => {
  const values = new Float32Array(4);
  const latents = (...shape: number[]) => draw({ ...small, latents: { shape, values } });
  await expect(latents(2, 2)).rejects.toThrow(
    'The latents have shape [2, 2], but 2 images need [2, channels, height, width]',
  );
  await expect(latents(2, 4, 8, 8)).rejects.toThrow('have 4 numbers, but their shape');
  await expect(latents(2, 1, 2, 1)).rejects.toThrow(
    "The latents have 1 channels, but the model's have 4",
  );
});

test('an evaluation gives its figures and its images', async () => {
  const dispose = jest.fn();
  const given = { ...red, dispose: () => Promise.resolve(dispose()) };
  const { evaluation, images, prompts } = await evaluate({
    ...small,
    prompts: [{ text: 'a red circle', family: 'colour' }, 'a blue square'],
    reward: given,
  });
  expect(images).toHaveLength(2);
  expect(prompts).toEqual(small.prompts);
  expect(evaluation).toMatchObject({ count: 2, families: { colour: { count: 1 } } });
  expect(evaluation.mean).toBeCloseTo((evaluation.rewards[0]! + evaluation.rewards[1]!) / 2, 12);
  // It is the caller's.
  expect(dispose).not.toHaveBeenCalled();
  await expect(evaluate({ ...small, prompts: [], reward: red })).rejects.toThrow(
    'a list of at least one prompt, none of them empty',
  );
});
