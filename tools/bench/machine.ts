import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

import type { Machine } from './results';

/** What the numbers were measured on. */
export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 1e8) / 10,
    system: `${type()} ${release()}`,
    node: process.versions.node,
  };
}
