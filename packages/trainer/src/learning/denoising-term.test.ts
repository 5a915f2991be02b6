import { addNoise } from '@loop-diffusion/diffusion-mdp';
import * as tf from '@tensorflow/tfjs-core';

import { qvpo } from '../methods/qvpo';
import type { DenoisingObjective } from '../methods/method';
import { predict } from '../policy/predict';
import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import { denoisingTerm, type DenoisingSource } from './denoising-term';
import { createNoiseDraws } from './noise-draws';
import { addUp, readChunks } from './read-chunks';

let tiny: TinyPolicy;
beforeAll(async () => {
  tiny = await openTinyPolicy();
});
afterAll(() => {
  tiny.dispose();
});

const weighted = qvpo.objective(qvpo.settings!.parse({})) as DenoisingObjective;

function sourceOf(more: Partial<DenoisingSource> = {}): DenoisingSource {
  const { trajectories, ...texts } = tiny.drawn;
  return {
    ...{ ...texts, objective: weighted, context: { clipRange: 1e-3, latentSize: 256 } },
    originals: { gather: (images) => trajectories.finalLatents(images) },
    ...{ advantages: [1, 1, 1, 1], draws: 2, batch: 4, klWeight: 0 },
    drawOf: createNoiseDraws(tiny.policy.schedule, 0, 0, 256),
    ...more,
  };
}

/** The loss and the gradient of these images. */
function sumOf(images: readonly number[], more: Partial<DenoisingSource> = {}) {
  const { inMean, chunks } = denoisingTerm(sourceOf(more)).partOf(images, 0);
  const results = chunks.map((chunk) => chunk.gradient(tiny.policy, inMean));
  return {
    read: addUp([readChunks(results)]),
    gradient: tf.addN(results.map(({ gradient }) => gradient)),
    rows: results.map(({ rows }) => rows),
  };
}

test('the loss is the weighted mean of what the network answers wrongly at the noised image', () => {
  const { schedule } = tiny.policy;
  const { drawOf, originals } = sourceOf();
  const weights = [0.5, 2, Number.NaN, 1];
  const errors = [0, 1, 3].flatMap((image) =>
    [0, 1].map((draw) => {
      const { step, noise } = drawOf(0, draw);
      const original = originals.gather([image]);
      const epsilon = tf.tensor4d(noise, [1, 8, 8, 4]);
      const noised = addNoise(schedule, original, epsilon, [step.timestep]);
      const output = predict(tiny.policy, noised, step.timestep, {
        prompts: tiny.drawn.prompts,
        empty: tiny.drawn.empty,
      });
      return weights[image]! * tf.losses.meanSquaredError(epsilon, output).dataSync()[0]!;
    }),
  );
  const expected = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const { read, rows } = sumOf([0, 1, 2, 3], { advantages: weights });
  // Sums of float32 in another order.
  expect(Math.abs(read.loss / expected - 1)).toBeLessThan(1e-5);
  // Six rows in chunks of four, one after the other.
  expect(rows).toEqual([4, 2]);
});

test('the chunk size decides memory, not the gradient', () => {
  const [whole, small] = [sumOf([0, 1, 2], { batch: 16 }), sumOf([0, 1, 2], { batch: 1 })];
  expect(small.gradient).toBeGradient(whole.gradient, 1e-5);
  expect(small.read.loss).toBeCloseTo(whole.read.loss, 5);
});

test('other images that the mean is over make it smaller', () => {
  const [alone, among] = [sumOf([0, 1]), sumOf([0, 1], { alongside: () => 6 })];
  expect(among.read.loss).toBeCloseTo(alone.read.loss / 4, 6);
});

test('a divergence from the model itself is 0, and from none it is an error', () => {
  const { read } = sumOf([0, 1], { klWeight: 3, base: tiny.policy });
  expect(read.divergence).toBeLessThan(1e-12);
  expect(() => sumOf([0], { klWeight: 3 })).toThrow('needs the base model');
});
