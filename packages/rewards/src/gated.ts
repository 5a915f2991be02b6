import { Gate } from '@loop-diffusion/http';

import type { Reward } from './reward';

/** One gate for a reward, however often it is asked for. */
const known = new WeakMap<Reward, Reward>();

/**
 * The reward behind a gate that lets in as many calls of `score` as its `concurrency` says, whoever
 * makes them; the others wait in order. A call whose signal is aborted while it waits throws the
 * signal's reason. The same reward always gets the same gate, and one that has a gate is returned as
 * it is.
 */
export function gated(reward: Reward): Reward {
  const before = known.get(reward);
  if (before !== undefined) return before;
  const gate = new Gate(reward.concurrency ?? 1);
  const { name, version, range, batchSize, concurrency, scope, deterministic } = reward;
  const behind: Reward = {
    ...{ name, version, range, batchSize, concurrency, scope, deterministic },
    score: (batch, options) => gate.run(async () => reward.score(batch, options), options?.signal),
    ...(reward.dispose === undefined ? {} : { dispose: async () => reward.dispose?.() }),
  };
  known.set(reward, behind);
  known.set(behind, behind);
  return behind;
}
