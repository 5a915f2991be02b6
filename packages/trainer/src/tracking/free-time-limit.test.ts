import { setImmediate, setTimeout } from 'node:timers/promises';

import { limitFreeTime } from './free-time-limit';

function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

test('time in which the event loop is blocked does not count', async () => {
  const limit = limitFreeTime(300);
  block(600);
  await setImmediate();
  expect(limit.signal.aborted).toBe(false);
  await setTimeout(600);
  expect(limit.signal.aborted).toBe(true);
  expect((limit.signal.reason as Error).message).toBe('no answer within 0.3 s');
});

test('a limit that was cleared never ends', async () => {
  const limit = limitFreeTime(100);
  limit.clear();
  await setTimeout(250);
  expect(limit.signal.aborted).toBe(false);
});
