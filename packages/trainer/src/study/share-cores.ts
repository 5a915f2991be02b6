import { availableParallelism } from 'node:os';

/** The environment of processes side by side, so that they share the cores out; what the user has set is left. */
export function shareCores(processes: number): Record<string, string> {
  if (processes === 1 || process.env['OMP_NUM_THREADS'] !== undefined) return {};
  const threads = Math.max(1, Math.floor(availableParallelism() / processes));
  return { OMP_NUM_THREADS: String(threads) };
}
