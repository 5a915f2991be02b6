/** Signs that a run goes wrong, seen over several iterations. */
import type { ImageQuality } from '@loop-diffusion/rewards';

import type { TrainConfig } from '../configuration/schema';
import { createRewardWatch } from '../report/reward-fall';
import type { IterationRecord } from '../run-folder/records';
import { figure, median, percent } from '../terminal/words';

/** So many iterations in a row make a sign. */
const ITERATIONS = 5;
/** A policy of whose ratios more than this are stopped hardly moves any more. */
const PINNED = 0.8;
/** Mean ½ (log ρ)²: at this, ratios are off by a fifth, and a clipped objective has long lost its hold. */
const RUNAWAY_KL = 0.02;
/** Images of a prompt that differ by less than this fraction of what they did are one image. */
const LOST_DIVERSITY = 0.25;
/** A measure of the pictures that has moved by this factor, up or down, is no longer what the model drew. */
const CHANGED_QUALITY = 2;
/** A reward that most images have at its largest value tells nothing apart. */
const AT_CEILING = 0.9;

interface QualityWords {
  readonly what: string;
  readonly more: string;
  readonly less: string;
}

/** `clipped` is left out: of a picture on a black or white ground it says nothing. */
const QUALITY_SIGNS: Readonly<Record<Exclude<keyof ImageQuality, 'clipped'>, QualityWords>> = {
  sharpness: { what: 'sharpness', more: 'noisier', less: 'blurred' },
  colourfulness: { what: 'colourfulness', more: 'more colourful', less: 'greyer' },
  saturation: { what: 'saturation', more: 'more saturated', less: 'paler' },
  jpegBytesPerPixel: { what: 'JPEG bytes a pixel', more: 'busier', less: 'emptier' },
};

/**
 * @param earlier what a run that goes on has done already: what its pictures were like at first, and what was warned of
 * @returns a function that takes each iteration and returns warnings, each kind at most once a run
 */
export function createCollapseWatch(
  { algorithm }: Pick<TrainConfig, 'algorithm'>,
  earlier: readonly IterationRecord[] = [],
): (record: IterationRecord) => string[] {
  const recent: IterationRecord[] = [];
  const first: IterationRecord[] = [];
  const said = new Set<string>();
  const rewards = createRewardWatch();
  let fell = false;
  const signs: Readonly<Record<string, () => string | undefined>> = {
    fall: () =>
      fell
        ? `the mean reward was ${figure(rewards.last?.mean ?? Number.NaN)}, far below its best of ${figure(rewards.best?.mean ?? Number.NaN)}; go back to an earlier checkpoint with a lower optimizer.learningRate, or set guards.onCollapse=rollback, which does so`
        : undefined,
    variance: () =>
      algorithm.k > 1 && always(({ zeroVarianceGroups, groups }) => zeroVarianceGroups === groups)
        ? 'the rewards of every prompt were all equal, which leaves nothing to learn; look at the samples, and at whether the reward tells them apart'
        : undefined,
    clip: () =>
      always(({ clipFraction }) => clipFraction > PINNED)
        ? `${percent(last('clipFraction'))} of the ratios were stopped by the clip; lower optimizer.learningRate or take fewer algorithm.innerUpdates`
        : undefined,
    divergence: () =>
      always(({ approxKl }) => approxKl > RUNAWAY_KL)
        ? `the policy moves away from the one that sampled (approximate KL ${figure(last('approxKl'))}); lower optimizer.learningRate or algorithm.clipRange`
        : undefined,
    diversity: () => {
      const before = median(first.map(({ diversity }) => diversity));
      return algorithm.k > 1 && always(({ diversity }) => diversity < LOST_DIVERSITY * before)
        ? `the images of a prompt have become alike: they differ by ${figure(last('diversity'))}, at first by ${figure(before)}; raise algorithm.klWeight or go back to an earlier checkpoint`
        : undefined;
    },
    ...Object.fromEntries(
      Object.entries(QUALITY_SIGNS).map(([key, words]) => [
        key,
        () => qualityWarning(key as keyof ImageQuality, words),
      ]),
    ),
    ceiling: () =>
      always(({ atCeiling = 0 }) => atCeiling > AT_CEILING)
        ? `${percent(last('atCeiling'))} of the images have the largest reward there is; look at the samples, for a reward that is won so easily may be met by a trick`
        : undefined,
  };

  function always(holds: (record: IterationRecord) => boolean): boolean {
    return recent.every(holds);
  }

  function qualityWarning(
    key: keyof ImageQuality,
    { what, more, less }: QualityWords,
  ): string | undefined {
    const quality = (record: IterationRecord) => record.quality?.[key] ?? Number.NaN;
    const before = median(first.map(quality));
    const rose = always((record) => quality(record) > CHANGED_QUALITY * before);
    const fell = always((record) => quality(record) < before / CHANGED_QUALITY);
    if (!rose && !fell) return undefined;
    const now = figure(quality(recent.at(-1)!));
    return `the images have become ${rose ? more : less} (${what} ${now}, at first ${figure(before)}); look at them, for a reward is often met by a trick`;
  }

  function last(key: 'clipFraction' | 'approxKl' | 'diversity' | 'atCeiling'): number {
    return recent.at(-1)?.[key] ?? Number.NaN;
  }

  function watch(record: IterationRecord): string[] {
    if (first.length < ITERATIONS) first.push(record);
    recent.push(record);
    fell = rewards.observe({ ...record.reward, images: record.images });
    if (record.backTo !== undefined) {
      recent.length = 0;
      return [
        `the rewards collapsed: after iteration ${String(record.iteration)} the run went back to its weights after ${String(record.backTo)}`,
      ];
    }
    if (recent.length > ITERATIONS) recent.shift();
    if (recent.length < ITERATIONS) return [];
    return Object.entries(signs).flatMap(([name, look]) => {
      if (said.has(name)) return [];
      const warning = look();
      if (warning === undefined) return [];
      said.add(name);
      return [`in the last ${String(ITERATIONS)} iterations ${warning}`];
    });
  }
  for (const record of earlier) watch(record);
  return watch;
}
