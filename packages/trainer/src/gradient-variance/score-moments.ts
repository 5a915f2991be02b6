/**
 * Moments of a prompt's rewards r and its images' score vectors s = ∇θ log p_θ, from which theory gives the variance of every
 * estimator that has a closed form. E[s] = 0 is used throughout.
 */
import { mean } from '../statistics';

/** What one prompt's images tell. */
export interface ScoredImages {
  /** `[K]` */
  readonly rewards: readonly number[];
  /** s_i · s_j, `[K, K]` in rows. */
  readonly gram: Float64Array;
}

/** Expectations over images of one prompt. */
export interface ScoreMoments {
  /** E‖s‖², the trace of the Fisher information. */
  readonly score: number;
  /** E[r ‖s‖²] */
  readonly rewardScore: number;
  /** E[r² ‖s‖²] */
  readonly squaredRewardScore: number;
  /** E[(r − E r)² ‖s‖²] */
  readonly centredScore: number;
  /** Var[r] E‖s‖² */
  readonly varianceScore: number;
  /** ‖E[r s]‖², the square of the prompt's policy gradient. */
  readonly gradient: number;
}

/**
 * Unbiased estimates, each from different images for the factors that are to be independent. An estimate of a square may be below 0.
 *
 * @param images at least 4 of one prompt, drawn independently
 */
export function scoreMoments({ rewards, gram }: ScoredImages): ScoreMoments {
  const count = rewards.length;
  const squares = rewards.map((_, image) => gram[image * (count + 1)]!);
  const total = rewards.reduce((sum, reward) => sum + reward, 0);
  const others = (image: number): number => (total - rewards[image]!) / (count - 1);
  const meanOver = (value: (reward: number, image: number) => number): number =>
    mean(rewards.map(value));

  // Of the images besides `image`.
  const varianceWithout = (image: number): number => {
    const centre = others(image);
    const sum = rewards.reduce(
      (squared, reward, other) => (other === image ? squared : squared + (reward - centre) ** 2),
      0,
    );
    return sum / (count - 2);
  };
  const varianceScore = meanOver((_, image) => squares[image]! * varianceWithout(image));

  // (r_i − b)(r_j − b) s_i · s_j with b the mean of all others: its expectation is that of r_i r_j s_i · s_j, and its spread less.
  let gradient = 0;
  for (let first = 0; first < count; first += 1) {
    for (let second = 0; second < first; second += 1) {
      const [one, other] = [rewards[first]!, rewards[second]!];
      const baseline = (total - one - other) / (count - 2);
      gradient += (one - baseline) * (other - baseline) * gram[first * count + second]!;
    }
  }
  return {
    score: mean(squares),
    rewardScore: meanOver((reward, image) => reward * squares[image]!),
    squaredRewardScore: meanOver((reward, image) => reward ** 2 * squares[image]!),
    // E[(r_i − b_i)² ‖s_i‖²] with b the mean of the others is larger by Var[b] E‖s‖².
    centredScore:
      meanOver((reward, image) => (reward - others(image)) ** 2 * squares[image]!) -
      varianceScore / (count - 1),
    varianceScore,
    gradient: gradient / ((count * (count - 1)) / 2),
  };
}

/** An unbiased estimate of ‖E[s]‖², which is 0 where s is the score of what drew the images. */
export function squareOfMeanScore({ rewards, gram }: ScoredImages): number {
  const count = rewards.length;
  const all = gram.reduce((sum, product) => sum + product, 0);
  const own = rewards.reduce((sum, _, image) => sum + gram[image * (count + 1)]!, 0);
  return (all - own) / (count * (count - 1));
}

/**
 * {@link scoreMoments} as if ‖s‖² were 1 whatever the reward, and the gradient far smaller than its noise: what the rewards alone tell.
 *
 * @param rewards at least 2
 */
export function rewardMoments(rewards: readonly number[]): ScoreMoments {
  const centre = mean(rewards);
  const squares = rewards.reduce((sum, reward) => sum + (reward - centre) ** 2, 0);
  const variance = squares / (rewards.length - 1);
  return {
    score: 1,
    rewardScore: centre,
    squaredRewardScore: mean(rewards.map((reward) => reward ** 2)),
    centredScore: variance,
    varianceScore: variance,
    gradient: 0,
  };
}
