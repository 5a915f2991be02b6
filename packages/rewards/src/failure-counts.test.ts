import { countFailures } from './failure-counts';
import { notApplicable, rewardFailure, type RewardResult } from './reward';

test('tells the most frequent failures first, each with its number of images', () => {
  const results: RewardResult[] = [
    rewardFailure('timeout', 'no answer'),
    { ok: true, value: 1 },
    rewardFailure('exception', 'quota exceeded'),
    notApplicable('no quotes'),
    rewardFailure('exception', 'quota exceeded'),
    rewardFailure('exception', 'no answer'),
  ];
  const quota = { kind: 'exception', message: 'quota exceeded', count: 2 };
  const timeout = { kind: 'timeout', message: 'no answer', count: 1 };
  expect(countFailures(results)).toEqual([
    quota,
    timeout,
    { kind: 'exception', message: 'no answer', count: 1 },
  ]);
  expect(countFailures(results, 1)).toEqual([quota]);
});

test('has nothing to tell where nothing failed', () => {
  expect(countFailures([{ ok: true, value: 0 }, notApplicable('no quotes')])).toEqual([]);
});
