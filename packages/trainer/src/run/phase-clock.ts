/** Wall-clock seconds by phase, of one iteration and of the whole run. */
export interface PhaseClock {
  /**
   * Runs `work`, which reports the fraction done, and adds its seconds to the phase, without those of a phase that is timed
   * within it.
   */
  time<Result>(
    phase: string,
    work: (onProgress: (fraction: number) => void) => Result | Promise<Result>,
  ): Promise<Result>;
  /** Seconds by phase since the last call of this function. */
  lap(): Record<string, number>;
  /** Seconds by phase since the clock was made, and those before. */
  totals(): Record<string, number>;
}

/** @param before seconds by phase that were spent earlier, for the totals */
export function createPhaseClock(
  report: (phase: string, fraction: number) => void,
  before: Readonly<Record<string, number>> = {},
): PhaseClock {
  let lap: Record<string, number> = {};
  const totals: Record<string, number> = { ...before };
  let within = 0;
  return {
    async time(phase, work) {
      const start = performance.now();
      const before = within;
      within = 0;
      report(phase, 0);
      try {
        return await work((fraction) => {
          report(phase, fraction);
        });
      } finally {
        const elapsed = (performance.now() - start) / 1000;
        const seconds = elapsed - within;
        within = before + elapsed;
        lap[phase] = (lap[phase] ?? 0) + seconds;
        totals[phase] = (totals[phase] ?? 0) + seconds;
        report(phase, 1);
      }
    },
    lap() {
      const finished = lap;
      lap = {};
      return finished;
    },
    totals: () => ({ ...totals }),
  };
}
