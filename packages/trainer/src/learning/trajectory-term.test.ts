import * as tf from '@tensorflow/tfjs-core';

import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import { loopObjective, loopSource } from '../testing/tiny-term';
import { addUp, readChunks } from './read-chunks';
import type { ChunkResult } from './term';
import { trajectoryTerm, type TrajectorySource } from './trajectory-term';

let tiny: TinyPolicy;
beforeAll(async () => {
  tiny = await openTinyPolicy();
});
afterAll(() => {
  tiny.dispose();
});

const read = (result: ChunkResult) => addUp([readChunks([result])]);

/** Of images 0, 1 and 2 at the first step, as one chunk of a minibatch with a fourth that has nothing to say. */
function resultOf(more: Partial<TrajectorySource> = {}) {
  const term = trajectoryTerm(
    loopSource(tiny.drawn, { advantages: [1, -2, 0.5, 0], batch: 4, ...more }),
  );
  const { inMean, chunks } = term.partOf([0, 1, 2, 3], 0);
  expect(chunks).toHaveLength(1);
  return chunks[0]!.gradient(tiny.policy, inMean);
}

test('rows that fill a chunk up weigh nothing, and are not reported', () => {
  // Quarters of a batch of 16 are of 4 rows, so that three pairs get one row more; of a batch of 4 they are of one.
  const [filled, bare] = [resultOf({ batch: 16 }), resultOf({ batch: 4 })];
  expect([filled, bare].map(({ logProb }) => logProb?.size)).toEqual([4, 3]);
  expect(filled.gradient).toBeGradient(bare.gradient, 1e-5);
  const [one, other] = [read(filled), read(bare)];
  expect(one.pairs).toHaveLength(3);
  expect(one.loss).toBeCloseTo(other.loss, 5);
  // On-policy the loss is the mean of −A, also over the image without an advantage.
  expect(other.loss).toBeCloseTo(-0.25 * (1 - 2 + 0.5), 5);
});

test('a divergence from the policy itself is 0 and has no gradient; from none it is an error', () => {
  const alone = resultOf();
  const held = resultOf({ klWeight: 100, base: tiny.policy });
  expect(read(held).divergence).toBeCloseTo(0, 8);
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

/** As if they had been drawn by a policy whose log-probabilities differ by these. */
function shiftedBy(...by: number[]) {
  const { trajectories } = tiny.drawn;
  const gather = trajectories.gather.bind(trajectories);
  return jest.spyOn(trajectories, 'gather').mockImplementation((rows) => {
    const gathered = gather(rows);
    const oldLogProb = gathered.oldLogProb.map((value, row) => value - (by[row] ?? 0));
    return { ...gathered, oldLogProb };
  });
}

test('rows that are left out are told by their part of the mean, and their divergence does not count', () => {
  const spy = shiftedBy(0.5, 0, 0);
  const sampleDropout = { delta: 0.1, side: 'both' } as const;
  const dropped = resultOf({ sampleDropout });
  // One of four rows, of which the last, without an advantage, costs nothing.
  expect(read(dropped).share).toBeCloseTo(0.75, 6);
  // The base is the policy itself: nothing comes of it, whatever the share.
  const [held, alone] = [
    resultOf({ sampleDropout, klWeight: 5, base: tiny.policy }),
    resultOf({ sampleDropout }),
  ];
  expect(held.gradient).toBeGradient(alone.gradient, 1e-4);
  const upper = resultOf({ sampleDropout: { delta: 0.1, side: 'lower' } });
  expect(read(upper).share).toBe(1);
  spy.mockRestore();
});

test.each([3, 41, 61])('where %d rows are all left out the share is 0', (count) => {
  const { trajectories } = tiny.drawn;
  const gather = trajectories.gather.bind(trajectories);
  const shifted = jest.spyOn(trajectories, 'gather').mockImplementation((rows) => {
    const gathered = gather(rows.map(({ sample, step }) => ({ sample: sample % 4, step })));
    return { ...gathered, oldLogProb: gathered.oldLogProb.map((value) => value - 1) };
  });
  const images = Array.from({ length: count }, (_, image) => image);
  const term = trajectoryTerm(
    loopSource(tiny.drawn, {
      ...{ advantages: images.map(() => 1), batch: 64 },
      promptOfImage: images.map(() => 0),
      sampleDropout: { delta: 0.1, side: 'both' },
    }),
  );
  const { inMean, chunks } = term.partOf(images, 0);
  const shareOf = (everyRow: boolean) =>
    read(chunks[0]!.gradient(tiny.policy, inMean, everyRow)).share;
  expect([false, true].map(shareOf)).toEqual([0, 1]);
  shifted.mockRestore();
});

test('a loss of another shape than its rows is an error that names it', () => {
  const loss = (): tf.Tensor1D => tf.scalar(1) as unknown as tf.Tensor1D;
  expect(() => resultOf({ objective: { ...loopObjective, loss } })).toThrow(
    /loss has the shape \[\], expected \[\d\]: one for each row/,
  );
  expect(() => resultOf({ objective: { ...loopObjective, pairs: true } })).toThrow(
    /expected \[\d\]: one for each pair of rows/,
  );
});

test('an error in a loss leaves nothing behind', () => {
  const shape = (): tf.Tensor1D => tf.zeros([7]);
  const thrown = (): never => {
    throw new Error('of its own');
  };
  // A constant has no gradient.
  const constant = ({ logProb }: { logProb: tf.Tensor1D }) => tf.zeros<tf.Rank.R1>([logProb.size]);
  const errors = {
    'has the shape [7]': shape,
    'of its own': thrown,
    'gradient of y=f(x)': constant,
  };
  for (const [message, last] of Object.entries(errors)) {
    const loss: typeof loopObjective.loss = (rows, context) => {
      loopObjective.loss(rows, context);
      return {
        loss: last(rows),
        clipped: tf.zerosLike(rows.logProb),
        measures: { one: rows.logProb },
      };
    };
    const attempt = () => resultOf({ objective: { ...loopObjective, loss } });
    expect(attempt).toThrow(message);
    const before = tf.memory();
    expect(attempt).toThrow(message);
    expect(tf.memory()).toMatchObject({
      numTensors: before.numTensors,
      numDataBuffers: before.numDataBuffers,
    });
  }
});

test('a loss may tell which of its rows are beyond its clip', () => {
  const telling: typeof loopObjective.loss = (rows, context) => ({
    loss: loopObjective.loss(rows, context) as tf.Tensor1D,
    clipped: tf.cast(tf.less(rows.advantages, 0), 'float32'),
  });
  const clippedIn = (more: Partial<TrajectorySource>) =>
    read(resultOf(more)).pairs.map(({ clipped }) => clipped);
  const objective = { ...loopObjective, loss: telling };
  expect(clippedIn({ objective, batch: 16 })).toEqual([false, true, false]);
  expect(clippedIn({})).toEqual([undefined, undefined, undefined]);
});

test('nothing is left but what is returned', () => {
  resultOf();
  const before = tf.memory().numTensors;
  const { gradient, loss, logProb, sums } = resultOf();
  expect(sums).toEqual({});
  tf.dispose([gradient, loss, logProb!]);
  expect(tf.memory().numTensors).toBe(before);
});
