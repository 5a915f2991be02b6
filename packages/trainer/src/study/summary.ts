/** What a study says of its variants: means over seeds and prompts, their intervals, and how they compare. */
import { mean, withoutMissing } from '../statistics';
import { meanHeight, spentToReach, type CurvePoint } from './statistics/learning-curve';
import {
  percentileInterval,
  resamples,
  type Interval,
  type Resample,
} from './statistics/resamples';
import {
  above,
  difference,
  everything,
  interquartileMean,
  meanOf,
  paired,
  win,
  type Scores,
} from './statistics/scores';
import type { Evaluated, Outcome, Spent } from './outcome';

/** Resamples of the bootstrap. */
const RESAMPLES = 2000;

export interface Estimate extends Interval {
  readonly value: number;
}

export interface FamilyMean extends Estimate {
  readonly family: string;
}

export interface VariantSummary {
  readonly name: string;
  readonly seeds: number;
  /** Of the last evaluation's rewards. */
  readonly mean: Estimate;
  readonly interquartileMean: Estimate;
  /** Of the differences from the first evaluation, image by image. */
  readonly gain: Estimate;
  readonly families: readonly FamilyMean[];
  /** The mean height of the held-out curve over images, from the first evaluation to the last. */
  readonly area: Estimate;
  /** The fraction of the draws with a reward above each threshold. */
  readonly profile: readonly { readonly threshold: number; readonly fraction: Estimate }[];
  /** The middle seed's spending until each reward; undefined where no more than half of the seeds reach it. */
  readonly reached: readonly { readonly reward: number; readonly spent: Partial<Spent> }[];
}

export interface PairSummary {
  readonly left: string;
  readonly right: string;
  /** Of left − right, by seed and image. */
  readonly difference: Estimate;
  /** The probability that left has the better image of the two, by seed and image. */
  readonly win: Estimate;
}

export interface StudySummary {
  readonly seeds: readonly number[];
  readonly images: number;
  /** Before any training; the same for all variants whose evaluations are of one setting. */
  readonly before: Estimate;
  readonly variants: readonly VariantSummary[];
  readonly pairs: readonly PairSummary[];
}

/** @param reach rewards to be reached; where there are none, the middle between the beginning and the best end */
export function summarizeStudy(
  outcomes: readonly Outcome[],
  variants: readonly string[],
  reach: readonly number[],
  /** Whether all variants are evaluated on the same prompts. */
  samePrompts = true,
): StudySummary {
  const seeds = [...new Set(outcomes.map(({ seed }) => seed))];
  const evaluated = outcomes.filter(({ evaluations }) => evaluations.length > 0);
  const images = Math.max(0, ...evaluated.map((outcome) => last(outcome).record.rewards.length));
  const families = familiesIn(evaluated, images);
  const draws = resamples(seeds.length, families, RESAMPLES);
  const present = variants.filter((name) => evaluated.some(({ variant }) => variant === name));
  const scoresOf = (name: string, pick: (outcome: Outcome) => Evaluated): Scores =>
    seeds.map((seed) => {
      const outcome = evaluated.find((one) => one.variant === name && one.seed === seed);
      return outcome === undefined
        ? new Array<number>(images).fill(Number.NaN)
        : pick(outcome).record.rewards;
    });
  const after = new Map(present.map((name) => [name, scoresOf(name, last)]));
  const before = new Map(present.map((name) => [name, scoresOf(name, first)]));
  const beginning = estimate(meanScores([...before.values()]), draws, meanOf);
  const ends = [...after.values()].map((scores) => meanOf(scores, everything(scores)));
  const bestEnd = Math.max(...withoutMissing(ends));
  // Where nothing was learnt there is nothing to be reached.
  const middle = bestEnd > beginning.value ? [(beginning.value + bestEnd) / 2] : [];
  const goals = reach.length > 0 ? reach : middle;
  return {
    seeds,
    images,
    before: beginning,
    variants: present.map((name) => {
      const scores = after.get(name)!;
      const own = evaluated.filter(({ variant }) => variant === name);
      return {
        name,
        seeds: own.length,
        mean: estimate(scores, draws, meanOf),
        interquartileMean: estimateOf(interquartileMean(scores), scores, draws),
        gain: estimate(paired(scores, before.get(name)!, difference), draws, meanOf),
        families: familyMeans(scores, families, draws),
        area: areaOf(own, seeds, draws),
        profile: THRESHOLDS.map((threshold) => ({
          threshold,
          fraction: estimate(
            scores.map((rewards) => rewards.map(above(threshold))),
            draws,
            meanOf,
          ),
        })),
        reached: goals.map((reward) => ({ reward, spent: middleSpent(own, reward) })),
      };
    }),
    pairs: (samePrompts ? present : []).flatMap((left, index) =>
      present.slice(index + 1).map((right) => pairSummary(left, right, after, draws)),
    ),
  };
}

/** Of the variants, seed by seed and image by image, where they have a reward. */
function meanScores(all: readonly Scores[]): Scores {
  return (all[0] ?? []).map((rewards, seed) =>
    rewards.map((_, image) => mean(withoutMissing(all.map((scores) => scores[seed]![image]!)))),
  );
}

/** Of a performance profile. */
const THRESHOLDS = Array.from({ length: 20 }, (_, index) => index / 20);

function first({ evaluations }: Outcome): Evaluated {
  return evaluations[0]!;
}

function last({ evaluations }: Outcome): Evaluated {
  return evaluations.at(-1)!;
}

function familiesIn(outcomes: readonly Outcome[], images: number): readonly string[] {
  const named = outcomes.map((outcome) => last(outcome).record.imageFamilies);
  return (
    named.find((families) => families?.length === images) ?? new Array<string>(images).fill('')
  );
}

function estimate(
  scores: Scores,
  draws: readonly Resample[],
  statistic: (scores: Scores, resample: Resample) => number,
): Estimate {
  return estimateOf((resample) => statistic(scores, resample), scores, draws);
}

function estimateOf(
  statistic: (resample: Resample) => number,
  scores: Scores,
  draws: readonly Resample[],
): Estimate {
  return {
    value: statistic(everything(scores)),
    ...percentileInterval(draws.map(statistic)),
  };
}

function familyMeans(
  scores: Scores,
  families: readonly string[],
  draws: readonly Resample[],
): FamilyMean[] {
  const names = [...new Set(families)].filter((family) => family !== '');
  return names.map((family) => ({
    family,
    ...estimate(
      scores.map((rewards) =>
        rewards.map((reward, image) => (families[image] === family ? reward : Number.NaN)),
      ),
      draws,
      meanOf,
    ),
  }));
}

/** The area is linear in the rewards of its evaluations, so that it is the mean of one number per seed and image. */
function areaOf(
  outcomes: readonly Outcome[],
  seeds: readonly number[],
  draws: readonly Resample[],
): Estimate {
  const images = Math.max(0, ...outcomes.map((outcome) => last(outcome).record.rewards.length));
  const scores = seeds.map((seed) => {
    const outcome = outcomes.find((one) => one.seed === seed);
    return Array.from({ length: images }, (_, image) =>
      outcome === undefined
        ? Number.NaN
        : meanHeight(
            outcome.evaluations.map(({ images: spent, record }) => ({
              spent,
              reward: record.rewards[image] ?? Number.NaN,
            })),
          ),
    );
  });
  return estimate(scores, draws, meanOf);
}

function middleSpent(outcomes: readonly Outcome[], reward: number): Partial<Spent> {
  const spent: Partial<Record<keyof Spent, number>> = {};
  for (const key of ['iterations', 'images', 'passes', 'seconds'] as const) {
    const needed = outcomes
      .map(({ evaluations }) =>
        spentToReach(
          evaluations
            .map((evaluated): CurvePoint => ({
              spent: evaluated[key],
              reward: evaluated.record.mean,
            }))
            .filter((point) => !Number.isNaN(point.reward)),
          reward,
        ),
      )
      .map((value) => value ?? Infinity)
      .sort((left, right) => left - right);
    const middle = needed[Math.floor((needed.length - 1) / 2)] ?? Infinity;
    // Of an even number both of the middle must have reached it.
    const upper = needed[Math.floor(needed.length / 2)] ?? Infinity;
    if (Number.isFinite(upper)) spent[key] = (middle + upper) / 2;
  }
  return spent;
}

function pairSummary(
  left: string,
  right: string,
  after: ReadonlyMap<string, Scores>,
  draws: readonly Resample[],
): PairSummary {
  const both = [after.get(left)!, after.get(right)!] as const;
  return {
    ...{ left, right },
    difference: estimate(paired(...both, difference), draws, meanOf),
    win: estimate(paired(...both, win), draws, meanOf),
  };
}
