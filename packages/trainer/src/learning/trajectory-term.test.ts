import * as tf from '@tensorflow/tfjs-core';

import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import { loopObjective, loopSource } from '../testing/tiny-term';
import { readChunks } from './read-chunks';
import { trajectoryTerm, type TrajectorySource } from './trajectory-term';

let tiny: TinyPolicy;
beforeAll(async () => {
  tiny = await openTinyPolicy();
});
afterAll(() => {
  tiny.dispose();
});

/** Of images 0, 1 and 2 at the first step, as one chunk of a minibatch with a fourth that has nothing to say. */
function resultOf(more: Partial<TrajectorySource> = {}) {
  const term = trajectoryTerm(
    loopSource(tiny.drawn, { advantages: [1, -2, 0.5, 0], batch: 4, ...more }),
  );
  const chunks = term.chunksOf([0, 1, 2, 3], 0);
  expect(chunks).toHaveLength(1);
  return chunks[0]!.gradient(tiny.policy);
}

test('rows that fill a chunk up weigh nothing, and are not reported', () => {
  // Quarters of a batch of 16 are of 4 rows, so that three pairs get one row more; of a batch of 4 they are of one.
  const [filled, bare] = [resultOf({ batch: 16 }), resultOf({ batch: 4 })];
  expect([filled, bare].map(({ logProb }) => logProb?.size)).toEqual([4, 3]);
  expect(filled.gradient).toBeGradient(bare.gradient, 1e-5);
  const [one, other] = [readChunks([filled]), readChunks([bare])];
  expect(one.pairs).toHaveLength(3);
  expect(one.loss).toBeCloseTo(other.loss, 5);
  // On-policy the loss is the mean of −A, also over the image without an advantage.
  expect(other.loss).toBeCloseTo(-0.25 * (1 - 2 + 0.5), 5);
});

test('a divergence from the policy itself is 0 and has no gradient; from none it is an error', () => {
  const alone = resultOf();
  const held = resultOf({ klWeight: 100, base: tiny.policy });
  expect(readChunks([held]).divergence).toBeCloseTo(0, 8);
  expect(held.gradient).toBeGradient(alone.gradient, 1e-4);
  expect(() => resultOf({ klWeight: 100 })).toThrow('needs the base model');
});

test('means of the policy that sampled are its noise taken off what it drew', () => {
  const { loss } = resultOf({
    objective: {
      ...loopObjective,
      oldMean: true,
      loss: ({ mean, oldMean }) => tf.max<tf.Tensor1D>(tf.abs(tf.sub(mean, oldMean!)), [1, 2, 3]),
    },
    noise: tiny.noise,
  });
  // x_{t−1} is rounded once to float32: half a unit in the last place of numbers up to 4, and the network's own noise.
  expect(loss.dataSync()[0]).toBeLessThan(5e-6);
  expect(() => resultOf({ objective: { ...loopObjective, oldMean: true } })).toThrow('its noise');
});

test('rows that are left out are told by their part of the mean', () => {
  // On-policy no ratio is off by 1; with a clip at nothing all are.
  const kept = resultOf({ sampleDropout: { delta: 1, side: 'both' } });
  expect(readChunks([kept]).share).toBe(1);
  const none = resultOf({ sampleDropout: { delta: 1e-12, side: 'both' } });
  const { share } = readChunks([none]);
  expect(share).toBeGreaterThanOrEqual(0.25 - 1e-6);
  expect(share).toBeLessThanOrEqual(1);
});

test('nothing is left but what is returned', () => {
  resultOf();
  const before = tf.memory().numTensors;
  const { gradient, loss, logProb, sums } = resultOf();
  tf.dispose([gradient, loss, logProb!, ...Object.values(sums)]);
  expect(tf.memory().numTensors).toBe(before);
});
