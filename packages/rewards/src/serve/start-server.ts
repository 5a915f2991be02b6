/** The parts of a reward server, put together. */
import { setMaxListeners } from 'node:events';

import { assertAccess } from './access';
import { createApp } from './app';
import { resolveLimits } from './limits';
import { listen, urlOf } from './listen';
import { PROBE_PROMPT, probeImage } from './probe-image';
import type { RewardServer, ServeRewardsOptions } from './serve-rewards-options';
import { ServedReward } from './served-reward';

const GRACE_MS = 10_000;

export async function startServer({
  rewards,
  host = '127.0.0.1',
  port,
  token,
  limits: givenLimits,
  probe = { image: probeImage(), prompt: PROBE_PROMPT },
  onError = reportError,
}: ServeRewardsOptions): Promise<RewardServer> {
  assertAccess(host, token);
  const limits = resolveLimits(givenLimits);
  assertNames(rewards.map(({ name }) => name));
  const served = await Promise.all(
    rewards.map((reward) => ServedReward.start(reward, probe, limits)),
  );
  const stopping = new AbortController();
  const givenUp = new AbortController();
  // Every request under way listens, and their number has a limit of its own.
  setMaxListeners(0, givenUp.signal);
  const fetch = await createApp({
    rewards: served,
    token,
    limits,
    onError,
    stopping: stopping.signal,
    givenUp: givenUp.signal,
  });
  const server = await listen({ fetch, host, port, limits });
  server.on('error', onError);

  let closed: Promise<void> | undefined;
  const close = async (graceMs: number) => {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    stopping.abort();
    const timer = setTimeout(() => {
      givenUp.abort();
      // What is given up is still answered; then nothing may hold the server.
      setImmediate(() => setTimeout(() => server.closeAllConnections(), 100));
    }, graceMs);
    await ended;
    clearTimeout(timer);
    givenUp.abort();
  };
  return {
    url: urlOf(server),
    close: ({ graceMs = GRACE_MS } = {}) => (closed ??= close(graceMs)),
  };
}

/** @throws {RangeError} when there is no reward, or two have one name */
function assertNames(names: readonly string[]): void {
  if (names.length === 0) throw new RangeError('There is no reward to serve; pass at least one.');
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new RangeError(`Two rewards are called "${twice}"; a server tells them apart by name.`);
  }
  if (names.includes('')) throw new RangeError('A reward without a name cannot be served.');
}

function reportError(error: unknown): void {
  process.stderr.write(
    `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}
