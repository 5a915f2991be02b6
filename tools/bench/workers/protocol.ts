/**
 * A worker's side of the protocol: set up, print `{"ready": true, …}`, then for each line `go` do one repetition and print
 * `{"seconds": {…}, "peakMegabytes": …}`, until standard input ends. `python/protocol.py` is the same in Python.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

import type { ReadyReport } from '../results';

/** Work that is set up. */
export interface PreparedWork extends Omit<ReadyReport, 'peakMegabytes'> {
  /** One repetition; seconds by phase or operation, `total` among them. */
  readonly repeat: () => Promise<Record<string, number>>;
}

/** Runs a worker. Its settings are its only command line argument, JSON, which `setUp` is given as it stands. */
export async function serve(setUp: (settings: string) => Promise<PreparedWork>): Promise<void> {
  const { repeat, ...facts } = await setUp(process.argv[2] ?? '{}');
  say({ ready: true, ...facts, peakMegabytes: peakMegabytes() });
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== 'go') continue;
    const seconds = await repeat();
    say({ seconds, peakMegabytes: peakMegabytes() });
  }
  // A backend's threads would keep the process.
  process.exit(0);
}

/** Wall-clock seconds of a function that has its result when it returns. */
export function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** maxRSS is in units of 1024 bytes on every platform. */
function peakMegabytes(): number {
  return (process.resourceUsage().maxRSS * 1024) / 1e6;
}

function say(report: Record<string, unknown>): void {
  writeSync(1, `${JSON.stringify(report)}\n`);
}
