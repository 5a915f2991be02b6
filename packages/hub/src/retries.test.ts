import { HubUnreachable, retryAfterSeconds, TemporaryFailure, withRetries } from './retries';

/** Fails with these, one after the other, and then succeeds. */
function failing(...errors: Error[]) {
  const waits: number[] = [];
  return {
    waits,
    sleep: async (milliseconds: number) => waits.push(milliseconds),
    attempt: async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return 'done';
    },
  };
}

const failures = (count: number) => Array.from({ length: count }, () => new TemporaryFailure('x'));

test('waits twice as long each time', async () => {
  const { attempt, ...tools } = failing(...failures(4));
  expect(await withRetries(attempt, tools)).toBe('done');
  expect(tools.waits).toEqual([1000, 2000, 4000, 8000]);
});

test('gives up after five tries', async () => {
  const { attempt, ...tools } = failing(...failures(5));
  await expect(withRetries(attempt, tools)).rejects.toThrow(HubUnreachable);
  expect(tools.waits).toHaveLength(4);
});

test('waits as long as the server asks for, within reason', async () => {
  const { attempt, ...tools } = failing(new TemporaryFailure('x', 7), new TemporaryFailure('x', 0));
  expect(await withRetries(attempt, tools)).toBe('done');
  expect(tools.waits).toEqual([7000, 0]);
  const long = failing(new TemporaryFailure('x', 3600));
  await expect(withRetries(long.attempt, long)).rejects.toThrow(HubUnreachable);
  expect(long.waits).toEqual([]);
});

test('other errors are not tried again', async () => {
  const { attempt, ...tools } = failing(new Error('no'));
  await expect(withRetries(attempt, tools)).rejects.toThrow('no');
  expect(tools.waits).toEqual([]);
});

test('a download that goes on has its tries anew', async () => {
  const { attempt, ...tools } = failing(...failures(8));
  let bytes = 0;
  const step = async () => {
    bytes += 500_000;
    return attempt();
  };
  expect(await withRetries(step, { ...tools, bytesDone: () => bytes })).toBe('done');
  expect(tools.waits).toEqual([1000, 2000, 1000, 2000, 4000, 1000, 2000, 4000]);
});

test.each([
  [null, undefined],
  ['12', 12],
  ['soon', undefined],
  ['-1', undefined],
  ['Thu, 01 Jan 1970 00:01:40 GMT', 60],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 0],
])('Retry-After: %s', (header, seconds) => {
  expect(retryAfterSeconds(header, 40_000)).toBe(seconds);
});
