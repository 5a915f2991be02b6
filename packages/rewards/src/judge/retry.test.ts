import { rewardFailure } from '../reward';
import type { Attempt } from './post-json';
import { retry } from './retry';

const FAILURE = rewardFailure('http-error', 'The server answered 503.', true);
const fault = (retryAfterMs?: number): Attempt => ({
  ok: false,
  failure: FAILURE,
  retry: true,
  retryAfterMs,
});

/** Gives one after the other and counts how often it was asked. */
function attemptsOf(...results: Attempt[]) {
  return jest.fn(() => Promise.resolve(results.shift()!));
}

it('asks until there is an answer', async () => {
  const attempt = attemptsOf(fault(), fault(), { ok: true, json: 7 });
  await expect(retry(attempt, { random: () => 0 })).resolves.toEqual({ ok: true, json: 7 });
  expect(attempt).toHaveBeenCalledTimes(3);
});

it('gives the last fault when it has asked often enough', async () => {
  const attempt = attemptsOf(fault(), fault(), fault(), { ok: true, json: 7 });
  await expect(retry(attempt, { random: () => 0 })).resolves.toEqual(fault());
  expect(attempt).toHaveBeenCalledTimes(3);
});

it('does not ask again where that cannot help', async () => {
  const attempt = attemptsOf({ ok: false, failure: FAILURE, retry: false });
  await expect(retry(attempt)).resolves.toMatchObject({ ok: false });
  expect(attempt).toHaveBeenCalledTimes(1);
});

it('does not wait longer than it may for a server that asks for it', async () => {
  const attempt = attemptsOf(fault(31_000));
  await expect(retry(attempt)).resolves.toEqual(fault(31_000));
  expect(attempt).toHaveBeenCalledTimes(1);
});

it('stops waiting when nobody waits for it', async () => {
  const controller = new AbortController();
  const attempt = jest.fn(() => {
    controller.abort();
    return Promise.resolve(fault(20_000));
  });
  await expect(retry(attempt, { signal: controller.signal })).resolves.toEqual(fault(20_000));
  expect(attempt).toHaveBeenCalledTimes(1);
});

it('waits a random part of a time that doubles', async () => {
  const waits: number[] = [];
  const sleep = (ms: number) => Promise.resolve(void waits.push(ms));
  const attempt = attemptsOf(fault(), fault(), fault(700), { ok: true, json: 7 });
  await retry(attempt, { attempts: 4, random: () => 0.25, sleep });
  // A quarter of 250 and 500, and 700 rather than a quarter of 1000.
  expect(waits).toEqual([62.5, 125, 700]);
});
