/**
 * The variance of the policy gradient for each advantage estimator, from the rewards and score vectors of one policy's images.
 *
 * Only `api` and `command-line` may import this folder.
 */
import { mean } from '../statistics';
import {
  estimate,
  meanOf,
  meanSquare,
  resamplePrompts,
  type Counts,
  type Estimate,
} from './bootstrap';
import { ESTIMATORS, REINFORCE, type Estimator } from './estimators';
import { groupVariance, meanWeights } from './group-variance';
import { groupOrders } from './orders';
import { rewardMoments, scoreMoments, squareOfMeanScore, type ScoredImages } from './score-moments';

export interface EstimatorVariance {
  readonly estimator: string;
  /** Images of a prompt; null for an estimator that does not compare them. */
  readonly k: number | null;
  /** k tr Var[gradient | prompt], a mean over prompts: what one image adds to the variance of a mean over many. */
  readonly variance: Estimate;
  /** Of REINFORCE's variance, at equal images scored. */
  readonly relative: Estimate;
  /** The same with the variance between prompts; null for another vector than the policy gradient. */
  readonly withPrompts: Estimate | null;
  /**
   * The same as `relative` where each variance is divided by the square of what the estimator estimates, so that an estimator
   * is not praised for being short; null where that square is not told from 0.
   */
  readonly atEqualLength: Estimate | null;
  /** From moments of rewards and score vectors; null where there is no closed form, as in what comes next. */
  readonly theory: { readonly variance: number; readonly relative: number } | null;
  /** `relative` by that of theory; 1 where theory holds. */
  readonly toTheory: Estimate | null;
  /** `relative` as the rewards' mean and variance alone would have it. */
  readonly fromRewards: number | null;
}

export interface GradientVariance {
  readonly prompts: number;
  /** Of each prompt. */
  readonly images: number;
  readonly reward: {
    readonly mean: number;
    /** Of images of one prompt, a mean over prompts. */
    readonly variance: number;
    /** Of the prompts' mean rewards. */
    readonly betweenPrompts: number;
  };
  /** E‖s‖², of one image. */
  readonly score: Estimate;
  /** ‖E s‖² as a part of it, which theory takes for 0. */
  readonly meanScore: Estimate;
  /** ‖E g‖², of all prompts. */
  readonly gradient: Estimate;
  /** tr Var of the prompts' own policy gradients: what each prompt adds, however many images it has. */
  readonly betweenPrompts: Estimate;
  readonly estimators: readonly EstimatorVariance[];
}

/** What is known of the prompts' images. */
export interface MeasuredScores {
  readonly prompts: readonly ScoredImages[];
  /** Of each of {@link meanDirections}: products of the prompts' mean gradients, `[prompts, prompts]` in rows. */
  readonly products: readonly Float64Array[];
}

export interface VarianceSettings {
  /** Sizes of groups, ascending, each at most half of a prompt's images. */
  readonly k: readonly number[];
  readonly seed: number;
}

/**
 * The mean gradients of a prompt that lengths are taken from, each as weights of its images: the policy gradient, and for every
 * k those of the estimators that have another expectation.
 *
 * @param prompt its number, from 0
 */
export function meanDirections(
  rewards: readonly number[],
  { k, seed }: VarianceSettings,
  prompt: number,
): number[][] {
  const orders = groupOrders(rewards.length, seed, prompt);
  const [everyImage] = orders;
  const policyGradient = meanWeights(rewards, rewards.length, leaveOneOutOf, [everyImage!]);
  const others = directedOnTheirOwn(k).map(({ estimator, k: size }) =>
    meanWeights(rewards, size, (group) => estimator.advantages(group, 0), orders),
  );
  return [policyGradient, ...others];
}

/** How many of them there are. */
export function directionCount(k: readonly number[]): number {
  return 1 + directedOnTheirOwn(k).length;
}

const leaveOneOut = ESTIMATORS.find(({ name }) => name === 'leave-one-out')!;
const leaveOneOutOf = (rewards: readonly number[]) => leaveOneOut.advantages(rewards, 0);

function directedOnTheirOwn(k: readonly number[]): { estimator: Estimator; k: number }[] {
  return ESTIMATORS.flatMap((estimator) =>
    k.filter((size) => estimator.scale(size) === undefined).map((size) => ({ estimator, k: size })),
  );
}

export function gradientVariances(
  { prompts, products }: MeasuredScores,
  settings: VarianceSettings,
): GradientVariance {
  const count = prompts.length;
  const images = prompts[0]?.rewards.length ?? 0;
  const resamples = resamplePrompts(count, settings.seed);
  const figure = (of: (counts: Counts) => number): Estimate => estimate(count, resamples, of);
  const orders = prompts.map((_, prompt) => groupOrders(images, settings.seed, prompt));
  const rewardMeans = prompts.map(({ rewards }) => mean(rewards));
  const total = rewardMeans.reduce((sum, value) => sum + value, 0);
  const baselines = rewardMeans.map((value) => (total - value) / (count - 1));
  const moments = prompts.map(scoreMoments);
  const ofRewards = prompts.map(({ rewards }) => rewardMoments(rewards));

  /** k tr Var, prompt by prompt. */
  const measured = (estimator: Estimator, k: number): number[] =>
    prompts.map((prompt, index) => {
      const advantages = (rewards: readonly number[]) =>
        estimator.advantages(rewards, baselines[index]!);
      // Groups of one image are the same in every order.
      const needed = k === 1 ? orders[index]!.slice(0, 1) : orders[index]!;
      return k * groupVariance(prompt, k, advantages, needed);
    });
  const predicted = (estimator: Estimator, k: number, from: typeof moments): number[] | undefined =>
    estimator.theory &&
    from.map((given, index) => k * estimator.theory!(given, k, baselines[index]!));

  const reference = measured(REINFORCE, 1);
  const referenceTheory = predicted(REINFORCE, 1, moments)!;
  const referenceOfRewards = mean(predicted(REINFORCE, 1, ofRewards)!);
  const directions = directedOnTheirOwn(settings.k);
  const [policyProducts] = products;
  const gradientOf = (counts: Counts): number => meanSquare(policyProducts!, counts);
  const squares = moments.map(({ gradient }) => gradient);
  const betweenOf = (counts: Counts): number => meanOf(squares, counts) - gradientOf(counts);
  // Each takes a pass over all pairs of prompts, and many figures ask for it.
  const between = remembered(betweenOf);
  const gradient = remembered(gradientOf);

  const rows = ESTIMATORS.flatMap((estimator) =>
    estimator.grouped ? settings.k.map((k) => ({ estimator, k })) : [{ estimator, k: 1 }],
  );
  const estimators = rows.map(({ estimator, k }): EstimatorVariance => {
    const values = estimator === REINFORCE ? reference : measured(estimator, k);
    const theory = predicted(estimator, k, moments);
    const fromRewards = predicted(estimator, k, ofRewards);
    const scale = estimator.scale(k);
    const relative = (counts: Counts): number => meanOf(values, counts) / meanOf(reference, counts);
    const ownProducts =
      products[1 + directions.findIndex((own) => own.estimator === estimator && own.k === k)];
    const atEqualLength = (): Estimate | null => {
      if (scale !== undefined) return figure((counts) => relative(counts) / scale ** 2);
      const length = remembered((counts) => meanSquare(ownProducts!, counts));
      const isSeen = [length, gradient].every((of) => figure(of).low > 0);
      return isSeen
        ? figure((counts) => (relative(counts) * gradient(counts)) / length(counts))
        : null;
    };
    return {
      estimator: estimator.name,
      k: estimator.grouped ? k : null,
      variance: figure((counts) => meanOf(values, counts)),
      relative: figure(relative),
      withPrompts:
        scale === undefined
          ? null
          : figure((counts) => {
              const ofPrompts = k * between(counts);
              return (
                (meanOf(values, counts) + scale ** 2 * ofPrompts) /
                (meanOf(reference, counts) + ofPrompts)
              );
            }),
      atEqualLength: atEqualLength(),
      theory: theory
        ? { variance: mean(theory), relative: mean(theory) / mean(referenceTheory) }
        : null,
      toTheory: theory
        ? figure(
            (counts) =>
              (relative(counts) * meanOf(referenceTheory, counts)) / meanOf(theory, counts),
          )
        : null,
      fromRewards: fromRewards ? mean(fromRewards) / referenceOfRewards : null,
    };
  });

  const scores = moments.map(({ score }) => score);
  const meanScores = prompts.map(squareOfMeanScore);
  const variances = ofRewards.map(({ centredScore }) => centredScore);
  const centre = total / count;
  return {
    ...{ prompts: count, images },
    reward: {
      mean: centre,
      variance: mean(variances),
      // The spread of means of few images is taken off.
      betweenPrompts:
        (mean(rewardMeans.map((value) => (value - centre) ** 2)) * count) / (count - 1) -
        mean(variances) / images,
    },
    score: figure((counts) => meanOf(scores, counts)),
    meanScore: figure((counts) => meanOf(meanScores, counts) / meanOf(scores, counts)),
    gradient: figure(gradient),
    betweenPrompts: figure(between),
    estimators,
  };
}

function remembered(of: (counts: Counts) => number): (counts: Counts) => number {
  const known = new WeakMap<Counts, number>();
  return (counts) => {
    const value = known.get(counts) ?? of(counts);
    known.set(counts, value);
    return value;
  };
}
