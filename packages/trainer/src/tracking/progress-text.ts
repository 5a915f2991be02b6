/** How far a phase is: `rollout ━━━━━───── 52 % · 0:04 left`. */
import { durationInWords } from './words';

const BAR_LENGTH = 20;

export interface PhaseProgress {
  /** @param fraction done, in [0, 1] */
  describe(name: string, fraction: number): string;
}

export function createPhaseProgress(now: () => number = Date.now): PhaseProgress {
  let current = '';
  let startedAt = 0;
  let startFraction = 0;
  let lastFraction = 0;
  return {
    describe(name, fraction) {
      // The same phase comes again every iteration: a fraction that falls back starts it anew.
      if (name !== current || fraction < lastFraction) {
        current = name;
        startedAt = now();
        startFraction = fraction;
      }
      lastFraction = fraction;
      const done = Math.min(Math.max(fraction, 0), 1);
      const filled = Math.round(done * BAR_LENGTH);
      const bar = '━'.repeat(filled) + '─'.repeat(BAR_LENGTH - filled);
      const elapsed = (now() - startedAt) / 1000;
      const gained = fraction - startFraction;
      const left =
        gained > 0 && elapsed > 0.5 && done < 1
          ? ` · ${durationInWords((elapsed * (1 - done)) / gained)} left`
          : '';
      return `${name} ${bar} ${(100 * done).toFixed(0).padStart(3)} %${left}`;
    },
  };
}
