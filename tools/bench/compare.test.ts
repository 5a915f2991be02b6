import { compareCase } from './compare';
import type { CaseResult, WorkerResult } from './results';

function worker(name: string, totals: number[], peakMegabytes = 100): WorkerResult {
  const repetitions = totals.map((total) => ({ seconds: { total }, peakMegabytes }));
  return { name, versions: {}, startSeconds: 1, repetitions };
}

function resultOf(part: Partial<CaseResult>): CaseResult {
  return { name: 'case', title: 'Case', group: 'quick', comparisons: [], workers: [], ...part };
}

test('the ratio is theirs by ours, of the fastest of those compared with', () => {
  const result = resultOf({
    workers: [
      worker('ours', [1, 2, 4]),
      worker('slow', [9, 9, 9]),
      worker('fast', [3, 3, 3]),
      worker('other', [1, 1, 1]),
    ],
    comparisons: [{ measure: 'total', against: ['slow', 'fast'], target: 1.5 }],
  });
  // The rounds' ratios are 3, 1.5 and 0.75; their quartiles lie half-way.
  expect(compareCase(result)).toEqual([
    {
      ...{ caseName: 'case', measure: 'total', rival: 'fast' },
      ...{ ours: 2, theirs: 3, ratio: 1.5, spread: [1.125, 2.25], target: 1.5, met: true },
    },
  ]);
});

test('rounds that only one of the two was in have no ratio of their own', () => {
  const inRounds = (name: string, totals: Record<number, number>): WorkerResult => ({
    ...worker(name, []),
    repetitions: Object.entries(totals).map(([round, total]) => ({
      ...{ round: Number(round), seconds: { total }, peakMegabytes: 100 },
    })),
  });
  const result = resultOf({
    workers: [
      inRounds('ours', { 1: 1, 2: 1, 3: 2, 4: 2 }),
      inRounds('slow', { 1: 9, 2: 9 }),
      inRounds('fast', { 3: 6, 4: 8 }),
    ],
    comparisons: [{ measure: 'total', against: ['slow', 'fast'] }],
  });
  // Of its own two rounds 3 and 4; by the medians 7 / 1.5.
  expect(compareCase(result)).toMatchObject([
    { rival: 'fast', ours: 1.5, theirs: 7, spread: [3.25, 3.75] },
  ]);
});

test('memory is compared in the same way, and a target may be missed', () => {
  const result = resultOf({
    workers: [worker('ours', [1], 500), worker('theirs', [1], 250)],
    comparisons: [{ measure: 'peakMegabytes', against: ['theirs'], target: 1 / 1.2 }],
  });
  expect(compareCase(result)).toMatchObject([{ ratio: 0.5, met: false }]);
});

test('there are no rows without somebody to compare with, nor for a failed case', () => {
  const comparisons = [{ measure: 'total', against: ['theirs'] }];
  const alone = resultOf({ comparisons, workers: [worker('ours', [1])] });
  expect(compareCase(alone)).toEqual([]);
  expect(compareCase(resultOf({ comparisons, failure: 'it broke' }))).toEqual([]);
});

test('a measure that nobody took is an error', () => {
  const workers = [worker('ours', [1]), worker('theirs', [1])];
  const comparisons = [{ measure: 'rolout', against: ['theirs'] }];
  expect(() => compareCase(resultOf({ workers, comparisons }))).toThrow('"rolout"');
});
