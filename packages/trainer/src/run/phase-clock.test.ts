import { createPhaseClock } from './phase-clock';

let now = 0;
beforeEach(() => {
  now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
const pass = (seconds: number) => {
  now += 1000 * seconds;
};

test('adds up the seconds of a phase, by lap and in all', async () => {
  const reports: [string, number][] = [];
  const clock = createPhaseClock(
    (phase, fraction) => {
      reports.push([phase, fraction]);
    },
    { rollout: 100, text: 1 },
  );
  await clock.time('rollout', (onProgress) => {
    pass(2);
    onProgress(0.5);
    pass(1);
  });
  expect(clock.lap()).toEqual({ rollout: 3 });
  await clock.time('rollout', () => {
    pass(4);
  });
  expect(clock.lap()).toEqual({ rollout: 4 });
  expect(clock.totals()).toEqual({ rollout: 107, text: 1 });
  expect(reports.slice(0, 3)).toEqual([
    ['rollout', 0],
    ['rollout', 0.5],
    ['rollout', 1],
  ]);
});

test('a phase within a phase counts once, also when it fails', async () => {
  const clock = createPhaseClock(() => undefined);
  const failing = clock.time('rollout', async () => {
    pass(1);
    await clock.time('decode', () => {
      pass(2);
    });
    pass(4);
    await clock.time('decode', () => {
      pass(8);
      throw new Error('stop');
    });
  });
  await expect(failing).rejects.toThrow('stop');
  await clock.time('reward', () => {
    pass(16);
  });
  expect(clock.lap()).toEqual({ rollout: 5, decode: 10, reward: 16 });
});
