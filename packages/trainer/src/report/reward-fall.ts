/** Whether a run's rewards have fallen far below what they were: the commonest end of a run that went too far. */

/** So many iterations' rewards make a mean. */
export const WINDOW = 5;
/** In standard deviations of the images' rewards: less is no collapse, however sure. */
const LEAST_FALL = 0.25;
/** Of the difference of two windows: with fewer it may be chance, for the best of many windows is a lucky one. */
const STANDARD_ERRORS = 4;

/** The rewards of an iteration's images. */
export interface RewardLevel {
  readonly mean: number;
  readonly std: number;
  /** That it was. */
  readonly images: number;
}

export interface RewardWatch {
  /** Of the best window so far; undefined while there is none. */
  readonly best: RewardLevel | undefined;
  /** Of the last window; undefined while there is none. */
  readonly last: RewardLevel | undefined;
  /** @returns whether the last window lies so far below the best that it is no accident */
  observe(reward: RewardLevel): boolean;
  state(): RewardWatchState;
  restore(state: RewardWatchState): void;
}

/** What a checkpoint keeps. */
export interface RewardWatchState {
  readonly recent: readonly RewardLevel[];
  readonly best: RewardLevel | null;
}

export function createRewardWatch(): RewardWatch {
  let recent: RewardLevel[] = [];
  let best: RewardLevel | undefined;
  let last: RewardLevel | undefined;
  return {
    get best() {
      return best;
    },
    get last() {
      return last;
    },
    observe(reward) {
      // An iteration whose images all lack a reward says nothing.
      if (!Number.isFinite(reward.mean) || !Number.isFinite(reward.std)) return false;
      const { mean, std, images } = reward;
      recent = [...recent, { mean, std, images }].slice(-WINDOW);
      if (recent.length < WINDOW) return false;
      last = {
        ...{ mean: meanOf(recent, 'mean'), std: meanOf(recent, 'std') },
        images: meanOf(recent, 'images'),
      };
      if (best === undefined || last.mean > best.mean) best = last;
      const error = Math.sqrt(2 / (WINDOW * best.images));
      return best.mean - last.mean > best.std * Math.max(LEAST_FALL, STANDARD_ERRORS * error);
    },
    state: () => ({ recent, best: best ?? null }),
    restore(state) {
      recent = [...state.recent];
      best = state.best ?? undefined;
      last = undefined;
    },
  };
}

function meanOf(levels: readonly RewardLevel[], key: keyof RewardLevel): number {
  return levels.reduce((sum, level) => sum + level[key], 0) / levels.length;
}
