/** Which pairs an update learns from, and how they weigh, on a network of a few thousand weights. */
import * as tf from '@tensorflow/tfjs-core';

import { openTinyPolicy, type TinyPolicy } from '../testing/tiny-policy';
import { loopObjective, loopSource } from '../testing/tiny-term';
import { workersTogether } from '../testing/workers-together';
import { trainedWeights, withWeights } from '../weights/trained-weights';
import { flatten } from './flat-weights';
import type { Optimizer } from './optimizer';
import { trajectoryTerm, type TrajectorySource } from './trajectory-term';
import { updatePolicy, type UpdateRequest } from './update';

let tiny: TinyPolicy;
beforeAll(async () => {
  tiny = await openTinyPolicy();
});
afterAll(() => {
  tiny.dispose();
});

/** An optimizer that keeps the gradients and moves nothing. */
function watcher() {
  const gradients: tf.Tensor[] = [];
  const step: Optimizer['step'] = (gradient) => {
    gradients.push(gradient.clone());
    return 1;
  };
  return { gradients, optimizer: { step, previousWeights: undefined } as unknown as Optimizer };
}

function requestOf(
  minibatches: UpdateRequest['minibatches'],
  source: Partial<TrajectorySource>,
): UpdateRequest {
  const terms = [trajectoryTerm(loopSource(tiny.drawn, source))];
  return { terms, minibatches, learningRate: 0, clipRange: 1e-4 };
}

async function gradientOf(
  minibatches: UpdateRequest['minibatches'],
  source: Partial<TrajectorySource>,
) {
  const { gradients, optimizer } = watcher();
  await updatePolicy(tiny.policy, optimizer, requestOf(minibatches, source));
  expect(gradients).toHaveLength(1);
  return gradients[0]!;
}

test('the gradient is the mean over the images of a minibatch: that of two halves is half the sum of theirs', async () => {
  const advantages = [1, -2, 0.5, 0];
  const [one, other, both] = [
    await gradientOf([[0, 3]], { advantages }),
    await gradientOf([[1, 2]], { advantages }),
    await gradientOf([[0, 1, 2, 3]], { advantages }),
  ];
  expect(both).toBeGradient(tf.mul(tf.add(one, other), 0.5), 1e-5);
});

test('images without a pair make no step', async () => {
  const { gradients, optimizer } = watcher();
  const request = requestOf([[0, 1], []], { advantages: [0, 0, 0, 0] });
  const reports = await updatePolicy(tiny.policy, optimizer, request);
  expect(gradients).toHaveLength(0);
  expect(reports).toMatchObject([
    { gradientNorm: 0, loss: 0, skipped: false },
    { gradientNorm: 0, loss: 0, skipped: false },
  ]);
});

test('ratios are checked in every minibatch before the first step, and in none after it', async () => {
  const advantages = [1, 1, 1, 1];
  // As if what is learnt from had been drawn by another policy, which is off by half a clip range.
  const { trajectories } = tiny.drawn;
  const gather = trajectories.gather.bind(trajectories);
  const spy = jest.spyOn(trajectories, 'gather');
  const shifted = (by: number): ReturnType<typeof gather> & object => {
    const rows = gather([
      { sample: 0, step: 0 },
      { sample: 1, step: 0 },
    ]);
    return { ...rows, oldLogProb: rows.oldLogProb.map((value) => value + by) };
  };
  const update = (first: number, second: number) => {
    const { optimizer } = watcher();
    spy.mockReset();
    spy.mockReturnValueOnce(shifted(first)).mockReturnValueOnce(shifted(second));
    const twice = [
      [0, 1],
      [0, 1],
    ];
    return updatePolicy(tiny.policy, optimizer, requestOf(twice, { advantages, batch: 2 }));
  };
  await expect(update(5e-5, 0)).rejects.toThrow('The ratio must be 1 before the first update');
  // The first is left out, for its numbers are not finite; the second would then be the first step.
  await expect(update(Number.NaN, 5e-5)).rejects.toThrow('before the first update');
  await expect(update(0, 5e-5)).resolves.toMatchObject([{ skipped: false }, { skipped: false }]);
  spy.mockRestore();
});

test('rows that are left out make the mean one over the others, and where all are, none is', async () => {
  const advantages = [1, 2, 1, 2];
  const all = [[0, 1, 2, 3]];
  const [half, pair] = [
    await gradientOf(all, {
      advantages,
      objective: {
        ...loopObjective,
        loss: (rows, context) => ({
          loss: loopObjective.loss(rows, context) as tf.Tensor1D,
          // Those of images 0 and 2.
          counts: tf.cast(tf.less(rows.advantages, 1.5), 'float32'),
        }),
      },
    }),
    await gradientOf([[0, 2]], { advantages }),
  ];
  expect(half).toBeGradient(pair, 1e-5);
  const none = await gradientOf(all, {
    advantages,
    objective: {
      ...loopObjective,
      loss: (rows, context) => ({
        loss: loopObjective.loss(rows, context) as tf.Tensor1D,
        counts: tf.zerosLike(rows.advantages),
      }),
    },
  });
  expect(none).toBeGradient(await gradientOf(all, { advantages }), 1e-5);
});

test('an optimizer that asks for it gets the gradient of the same rows at its earlier weights', async () => {
  const advantages = [1, -1, 2, -2];
  const all = [[0, 1, 2, 3]];
  const trained = Object.values(trainedWeights(tiny.policy));
  const elsewhere = trained.map((weight) => tf.add(weight, 0.01));
  const seen: tf.Tensor[] = [];
  const optimizer = {
    previousWeights: flatten(elsewhere),
    step(gradient: tf.Tensor1D, _rate: number, gradientAtPrevious?: tf.Tensor1D) {
      seen.push(gradient.clone(), gradientAtPrevious!.clone());
      return 1;
    },
  } as unknown as Optimizer;
  await updatePolicy(tiny.policy, optimizer, requestOf(all, { advantages }));
  const [here, there] = seen;
  expect(here!).toBeGradient(await gradientOf(all, { advantages }), 1e-6);
  const { inMean, chunks } = trajectoryTerm(loopSource(tiny.drawn, { advantages })).partOf(
    all[0]!,
    0,
  );
  // There ratios are not 1, as they need not be.
  const expected = chunks[0]!.gradient(withWeights(tiny.policy, elsewhere), inMean).gradient;
  expect(there!).toBeGradient(expected, 1e-6);
  expect(() => expect(there!).toBeGradient(here!, 1e-3)).toThrow();
});

test('measures of a method are means over its rows, and the first of a name counts', async () => {
  const measuring = (factor: number) =>
    trajectoryTerm(
      loopSource(tiny.drawn, {
        advantages: [1, 2, 3, 4],
        objective: {
          ...loopObjective,
          loss: (rows, context) => ({
            loss: loopObjective.loss(rows, context) as tf.Tensor1D,
            measures: { size: tf.mul<tf.Tensor1D>(rows.advantages, factor) },
          }),
        },
      }),
    );
  const [report] = await updatePolicy(tiny.policy, watcher().optimizer, {
    ...requestOf([[0, 1, 2, 3]], {}),
    terms: [measuring(1), measuring(10)],
  });
  expect(report!.measures).toEqual({ size: 2.5 });
});

describe('several workers', () => {
  const advantages = [1, -2, 0.5, 0.25];
  /** Of each the gradients, the images being shared out by halves. */
  async function together(
    minibatches: readonly (readonly number[])[],
    source: Partial<TrajectorySource> = {},
  ) {
    const halves = [
      [0, 1],
      [2, 3],
    ];
    return Promise.all(
      workersTogether(2).map(async (workers, rank) => {
        const { gradients, optimizer } = watcher();
        const own = minibatches.map((images) =>
          images.filter((image) => halves[rank]!.includes(image)),
        );
        const request = { ...requestOf(own, { advantages, ...source }), workers };
        const reports = await updatePolicy(tiny.policy, optimizer, request);
        return { gradients, reports };
      }),
    );
  }

  it.each([[[0, 1, 2, 3]], [[0, 3]], [[1, 0]]])(
    'take the step of one, with images %j',
    async (images) => {
      const { gradients, optimizer } = watcher();
      const request = requestOf([images], { advantages });
      const [expected] = await updatePolicy(tiny.policy, optimizer, request);
      const [one, other] = await together([images]);
      expect(one!.gradients[0]!).toBeGradient(gradients[0]!, 1e-6);
      expect(await other!.gradients[0]!.data()).toEqual(await one!.gradients[0]!.data());
      for (const { reports } of [one!, other!]) {
        expect(reports[0]!.loss).toBeCloseTo(expected!.loss, 6);
        expect(reports[0]!.pairs).toHaveLength(expected!.pairs.length);
        expect(reports[0]!.rows).toBe(expected!.rows);
      }
    },
  );

  it('make no step where none has a pair', async () => {
    const both = await together([[], [0, 1]], { advantages: [0, 0, 0, 0] });
    for (const { gradients } of both) expect(gradients).toHaveLength(0);
  });

  it('leave rows out of the same mean', async () => {
    const sampleDropout = { delta: 1e-9, side: 'lower' } as const;
    const { gradients, optimizer } = watcher();
    await updatePolicy(
      tiny.policy,
      optimizer,
      requestOf([[0, 1, 2, 3]], { advantages, sampleDropout }),
    );
    const [one] = await together([[0, 1, 2, 3]], { sampleDropout });
    expect(one!.gradients[0]!).toBeGradient(gradients[0]!, 1e-6);
  });

  it('end all, and leave no tensor, where the loss of one fails', async () => {
    const before = tf.memory().numTensors;
    let calls = 0;
    const loss: typeof loopObjective.loss = (rows, context) => {
      calls += 1;
      if (calls === 2) throw new Error('no luck');
      return loopObjective.loss(rows, context);
    };
    const ends = together([[0, 1, 2, 3]], { objective: { ...loopObjective, loss } });
    await expect(ends).rejects.toThrow(/no luck/);
    expect(tf.memory().numTensors).toBe(before);
  });
});
