import { createGuards } from './guards';

const guards = () => createGuards({ skippedUpdates: 2, failedRewards: 0.5 });
const failures = [
  { reward: 'judge', kind: 'exception', message: 'no answer', count: 3 },
  { reward: 'size', kind: 'exception', message: 'too large', count: 1 },
];
const steps = (...skipped: boolean[]) => skipped.map((each) => ({ skipped: each }));

test('half of the rewards may fail, and no more', () => {
  const total = [1, NaN, NaN, 1];
  expect(() => {
    guards().checkScores({ total, failed: 2, failureRate: 0.5, failures });
  }).not.toThrow();
  expect(() => {
    guards().checkScores({ total, failed: 3, failureRate: 0.75, failures });
  }).toThrow(
    '3 of 4 images got no reward, more than guards.failedRewards (0.5) allows; the most frequent failure was: judge: no answer',
  );
});

test('a reward that the sum can do without may not fail more often either', () => {
  const total = [1, 1, 1, 1];
  expect(() => {
    guards().checkScores({ total, failed: 0, failureRate: 0.75, failures });
  }).toThrow('3 of 4 images got no answer from one of the rewards, more than guards.failedRewards');
});

test('steps that are left out count until one is taken', () => {
  const { checkSteps } = guards();
  checkSteps(steps(true, true, false));
  checkSteps(steps(true));
  checkSteps(steps(true));
  expect(() => {
    checkSteps(steps(true));
  }).toThrow('not finite in 3 optimizer steps in a row');
});
