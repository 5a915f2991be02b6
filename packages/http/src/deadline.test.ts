import { Deadline } from './deadline';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function blockTheLoop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('ends with its reason', async () => {
  const deadline = new Deadline(20, () => 'over');
  const ended = new Promise((resolve) => {
    deadline.signal.addEventListener('abort', () => resolve(deadline.signal.reason));
  });
  await deadline.during(async () => {
    expect(await ended).toBe('over');
  });
  expect(deadline.remainingMs).toBe(0);
});

it('runs only while something is waited for, once for all who wait', async () => {
  const deadline = new Deadline(10_000);
  await pause(20);
  expect(deadline.remainingMs).toBe(10_000);
  await Promise.all([
    deadline.during(() => pause(20)),
    deadline.during(() => pause(20)),
    deadline.during(() => pause(20)),
  ]);
  const spent = 10_000 - deadline.remainingMs;
  // A timer may be a millisecond early.
  expect(spent).toBeGreaterThan(18);
  await pause(20);
  expect(10_000 - deadline.remainingMs).toBe(spent);
});

it('does not count a stretch in which the loop was blocked', async () => {
  const deadline = new Deadline(10_000);
  await deadline.during(async () => {
    await pause(1);
    blockTheLoop(300);
    // Whatever the clock says: at most a tick for what was blocked, and what came before and after.
    expect(deadline.remainingMs).toBeGreaterThanOrEqual(9_800);
    await pause(1);
  });
});

it('has no end where it is infinite', async () => {
  const deadline = new Deadline(Infinity);
  await deadline.during(() => pause(5));
  expect(deadline.remainingMs).toBe(Infinity);
  expect(deadline.signal.aborted).toBe(false);
});
