import * as tf from '@tensorflow/tfjs-core';

import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import { chunkGradient, readChunks, type ChunkSource } from './chunk-gradient';

let tiny: TinyPolicy;
let source: ChunkSource;
beforeAll(async () => {
  tiny = await openTinyPolicy();
  source = {
    ...{ ...tiny.drawn, advantages: [1, -2, 0.5, 3], batch: 4 },
    objective: { name: 'loop', clipRange: 1e-4, klWeight: 0 },
  };
});
afterAll(() => {
  tiny.dispose();
});

const pairs = [0, 1, 2].map((sample) => ({ sample, step: 0 }));
const gradientOf = (more: Partial<ChunkSource>, chosen = pairs) =>
  chunkGradient(tiny.policy, { ...source, ...more }, chosen, 0.25);

test('rows that fill a chunk up weigh nothing, and are not reported', () => {
  // Quarters of a batch of 16 are of 4 rows, so that three pairs get one row more; of a batch of 4 they are of one.
  const [filled, bare] = [gradientOf({ batch: 16 }), gradientOf({ batch: 4 })];
  expect([filled, bare].map(({ logProb }) => logProb.size)).toEqual([4, 3]);
  expect(filled.gradient).toBeGradient(bare.gradient, 1e-5);
  const [one, other] = [readChunks([filled]), readChunks([bare])];
  expect(one.pairs).toHaveLength(3);
  expect(one.loss).toBeCloseTo(other.loss, 5);
  // On-policy the loss is the weighted sum of −A.
  expect(other.loss).toBeCloseTo(-0.25 * (1 - 2 + 0.5), 5);
});

test('a divergence from the policy itself is 0 and has no gradient; from none it is an error', () => {
  const objective = { name: 'loop', clipRange: 1e-4, klWeight: 100 } as const;
  const alone = gradientOf({});
  const held = gradientOf({ objective, reference: tiny.policy });
  expect(readChunks([held]).kl).toBeCloseTo(0, 8);
  expect(held.gradient).toBeGradient(alone.gradient, 1e-4);
  expect(() => gradientOf({ objective })).toThrow('needs the reference');
});

test('nothing is left but what is returned', () => {
  gradientOf({});
  const before = tf.memory().numTensors;
  const result = gradientOf({});
  readChunks([result]);
  tf.dispose([result.gradient, result.logProb, result.loss]);
  expect(tf.memory().numTensors).toBe(before);
});
