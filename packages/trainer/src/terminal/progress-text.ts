/** How far a phase is: `rollout ━━━━━━━━━━──────────  52 % · 14.2 images/s · 4 s left`. */
import { durationInWords, figure } from './words';

const BAR_LENGTH = 20;

export interface PhaseProgress {
  /**
   * @param fraction done, in [0, 1]
   * @param images that the whole phase works through, for its rate
   */
  describe(name: string, fraction: number, images?: number): string;
}

export function createPhaseProgress(now: () => number = Date.now): PhaseProgress {
  let current = '';
  let startedAt = 0;
  let startFraction = 0;
  let lastFraction = 0;
  return {
    describe(name, fraction, images) {
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
      // The first moments tell nothing.
      const pace = gained > 0 && elapsed > 0.5 ? gained / elapsed : 0;
      const rate = pace > 0 && images !== undefined ? ` · ${figure(images * pace)} images/s` : '';
      const left = pace > 0 && done < 1 ? ` · ${durationInWords((1 - done) / pace)} left` : '';
      return `${name} ${bar} ${(100 * done).toFixed(0).padStart(3)} %${rate}${left}`;
    },
  };
}
