import { resolveConfig } from '../configuration/resolve-config';
import { createCollapseGuard, type CollapseGuard, type CollapseGuardState } from './collapse-guard';

const guardOf = (
  onCollapse: 'warn' | 'stop' | 'rollback',
  rollbacks = 2,
  from?: CollapseGuardState,
): CollapseGuard =>
  createCollapseGuard({ ...resolveConfig({}).guards, onCollapse, rollbacks }, from);

/** What is done after each of the iterations with these mean rewards. */
function verdicts(guard: CollapseGuard, means: readonly number[], first = 1) {
  return means.map((mean, index) => guard.observe(first + index, { mean, std: 0.2, images: 64 }));
}

const GOOD = [0.5, 0.5, 0.5, 0.5, 0.5, 0.7, 0.7, 0.7, 0.7, 0.7];
const BAD = [0.2, 0.2, 0.2];

test('a checkpoint is made every five iterations and judged by what came after it', () => {
  const guard = guardOf('rollback');
  expect(guard.keepsBeginning).toBe(true);
  const done = verdicts(guard, GOOD);
  expect(done.flatMap(({ keep }, index) => (keep ? [index + 1] : []))).toEqual([5, 10]);
  // The policy after five iterations earned 0.7, that of the beginning 0.5.
  expect(guard.steps()).toEqual([5, 10]);
});

test('after a collapse the run goes back to the best one with a tenth of the rate, at most so often', () => {
  const guard = guardOf('rollback', 1);
  const first = verdicts(guard, [...GOOD, ...BAD]);
  expect(first.map(({ backTo }) => backTo).filter((step) => step !== undefined)).toEqual([5]);
  expect(first.every(({ stop }) => stop === undefined)).toBe(true);
  expect(guard.rateFactor).toBeCloseTo(0.1, 12);
  const second = verdicts(guard, [0.2, 0.2, 0.2, 0.2, 0.2], 14);
  const ended = second.find(({ stop }) => stop !== undefined);
  expect(ended).toMatchObject({
    backTo: 5,
    stop: expect.stringContaining('again after 1 rollbacks'),
  });
});

test('stop ends the run with the best checkpoint, and warn does nothing', () => {
  const done = verdicts(guardOf('stop'), [...GOOD, ...BAD]);
  const last = done.find(({ stop }) => stop !== undefined);
  expect(last).toMatchObject({
    backTo: 5,
    stop: expect.stringMatching(/fell from 0\.700 to 0\.600/),
  });
  const warning = guardOf('warn');
  const nothing = { backTo: undefined, keep: false, stop: undefined };
  for (const verdict of verdicts(warning, [...GOOD, ...BAD, ...BAD])) {
    expect(verdict).toEqual(nothing);
  }
  expect([warning.state(), warning.keepsBeginning, warning.rateFactor]).toEqual([null, false, 1]);
});

test('a guard that goes on does what one would that never stopped', () => {
  const means = [...GOOD, ...BAD, 0.7, 0.7, 0.7, 0.7, 0.7, 0.3, 0.3, 0.3, 0.3, 0.3];
  const straight = guardOf('rollback');
  const expected = verdicts(straight, means);
  for (const cut of [3, 7, 12, 15]) {
    const first = guardOf('rollback');
    const before = verdicts(first, means.slice(0, cut));
    const state = JSON.parse(JSON.stringify(first.state())) as CollapseGuardState;
    const second = guardOf('rollback', 2, state);
    expect(second.keepsBeginning).toBe(false);
    expect([...before, ...verdicts(second, means.slice(cut), cut + 1)]).toEqual(expected);
    expect(second.rateFactor).toBe(straight.rateFactor);
  }
});

test('an iteration without a reward says nothing, and leaves a state that JSON can hold', () => {
  const guard = guardOf('rollback');
  verdicts(guard, [NaN, NaN, NaN, NaN, NaN, NaN]);
  expect(JSON.stringify(guard.state())).not.toContain('null,"reward"');
  expect(guard.state()).toMatchObject({ best: null, candidate: { step: 0, rewards: [] } });
  const means = verdicts(guard, GOOD, 7);
  expect(means.filter(({ keep }) => keep)).toHaveLength(2);
  expect(guard.steps()).toEqual([11, 16]);
});
