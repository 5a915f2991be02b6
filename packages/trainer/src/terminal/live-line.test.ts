import { captureOutput } from '../testing/captured-output';
import { createLiveLine } from './live-line';
import { createPhaseProgress } from './progress-text';

describe('createLiveLine', () => {
  test('draws over itself, not too often, and never wider than the terminal', () => {
    const output = captureOutput({ isTTY: true });
    let time = 0;
    const live = createLiveLine({ ...output.out, columns: 12 }, () => time);
    live.show('first');
    time = 50;
    live.show('too soon');
    time = 150;
    live.show('a very long line indeed');
    live.clear();
    live.clear();
    expect(output.outText()).toBe('\r\u001b[2Kfirst\r\u001b[2Ka very long\r\u001b[2K');
  });

  test('is silent where there is no terminal', () => {
    const output = captureOutput();
    const live = createLiveLine(output.out);
    live.show('x');
    live.clear();
    expect(output.outText()).toBe('');
  });
});

test('a phase shows how far it is and how long it will take', () => {
  let time = 0;
  const progress = createPhaseProgress(() => time);
  expect(progress.describe('rollout', 0)).toBe(`rollout ${'─'.repeat(20)}   0 %`);
  time = 2000;
  expect(progress.describe('rollout', 0.25)).toBe(
    `rollout ${'━'.repeat(5)}${'─'.repeat(15)}  25 % · 6 s left`,
  );
  time = 8000;
  expect(progress.describe('rollout', 1)).toBe(`rollout ${'━'.repeat(20)} 100 %`);
  expect(progress.describe('rollout', 1, 64)).toContain('100 % · 8.00 images/s');
  // The next iteration's rollout starts its own clock.
  expect(progress.describe('rollout', 0)).not.toContain('left');
  time = 9000;
  expect(progress.describe('rollout', 0.5)).toContain('1 s left');
});
