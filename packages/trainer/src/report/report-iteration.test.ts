import type { DenoiseStep } from '@loop-diffusion/diffusion-mdp';

import { red, termOf } from '../testing/example-rewards';
import { reportIteration, type IterationFacts } from './report-iteration';

const NONE = Number.NaN;
const run = {
  config: { algorithm: { k: 3 } },
  rewards: [termOf(red)],
  clipRange: 0.1,
  clips: true,
  klWeight: { weight: 0 },
  plan: [{ timestep: 901 } as DenoiseStep],
  policy: { guidance: 1 },
  objective: {},
  average: undefined,
};

/** An iteration with these rewards, `[prompts, 3]`, and nothing learnt from them. */
function report(
  rewards: number[][],
  more: Partial<IterationFacts['scores']> = {},
  steps: IterationFacts['steps'] = [],
) {
  const total = rewards.flat();
  const quality = {
    sharpness: 0,
    colourfulness: 0,
    saturation: 0,
    clipped: 0,
    jpegBytesPerPixel: 0,
  };
  return reportIteration(run, {
    ...{ iteration: 0, rewards, diversity: 0, steps },
    ...{ learningRate: 1e-3, seconds: {} },
    scores: {
      ...{ total, absolute: total, values: {}, components: {}, quality },
      ...{ failed: 0, notApplicable: 0, failureRate: 0, failures: [] },
      ...more,
    },
  });
}

test.each([
  ['all equal', [1, 1, 1], 1],
  ['all equal but for one that failed', [0.5, NONE, 0.5], 1],
  ['not all equal', [1, 1, 0], 0],
  ['one alone', [1, NONE, NONE], 0],
  ['none', [NONE, NONE, NONE], 0],
])('a prompt whose rewards are %s', (_, row, expected) => {
  expect(report([row, [0, 1, 2]]).zeroVarianceGroups).toBe(expected);
});

test('figures are of the images whose sum is whole', () => {
  const failures = [{ reward: 'judge', kind: 'timeout', message: 'late', count: 1 }];
  const record = report([[1, 1, 4]], { absolute: [1, NONE, 0.5], failed: 0, failures });
  expect(record.reward.mean).toBe(0.75);
  expect(record.rewards).toEqual([1, NONE, 0.5]);
  // The largest that there is of red is 1.
  expect(record.atCeiling).toBe(0.5);
  expect(record).toMatchObject({ images: 3, failedRewards: 0, notApplicable: 0, failures });
});

test('ratios beyond the clip are those of log-probabilities, unless the loss tells others', () => {
  const clipFractionOf = (...clipped: (boolean | undefined)[]) => {
    const pairs = clipped.map((told, sample) => ({
      ...{ sample, step: 0, logProb: sample === 0 ? 0 : 0.2, oldLogProb: 0, clipped: told },
    }));
    const step = {
      loss: 0,
      gradientNorm: 1,
      skipped: false,
      klReference: undefined,
      measures: {},
      rows: 1,
    };
    const record = report([[0, 1, 2]], {}, [{ ...step, pairs }]);
    expect(record.ratioPerTimestep.map(({ clipFraction }) => clipFraction)).toEqual([
      record.clipFraction,
    ]);
    return record.clipFraction;
  };
  expect(clipFractionOf(undefined, undefined, undefined, undefined)).toBe(0.75);
  expect(clipFractionOf(false, false, true, false)).toBe(0.25);
});

test('a minibatch without anything to learn from says nothing of the policy', () => {
  const step = { loss: 2, gradientNorm: 3, skipped: false, klReference: undefined, measures: {} };
  const pairs = [{ sample: 0, step: 0, logProb: 0.2, oldLogProb: 0 }];
  const learnt = { ...step, rows: 1, pairs };
  const empty = { ...step, loss: 0, gradientNorm: 0, rows: 0, pairs: [] };
  const record = report([[0, 1, 2]], {}, [learnt, empty]);
  expect(record).toMatchObject({ loss: 2, gradientNorm: 3, clipFraction: 1, skippedUpdates: 0 });
  expect(record.ratio.mean).toBeCloseTo(Math.exp(0.2), 6);
  // Where none has, they are all there is.
  expect(report([[0, 1, 2]], {}, [empty])).toMatchObject({ loss: 0, gradientNorm: 0 });
});
