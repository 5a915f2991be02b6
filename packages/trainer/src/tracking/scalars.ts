/** The figures of a run under the names that trackers show them by. `docs/metrics.md` explains each. */
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import { isPointOfRun } from '../run-folder/run-history';

/** By tag; a group's name stands before the slash. Not always finite. */
export type Scalars = Readonly<Record<string, number>>;

export function iterationScalars(record: IterationRecord): Scalars {
  const { reward, ratio, ratioPerTimestep, klReference, klWeight, atCeiling } = record;
  const seconds = Object.values(record.seconds).reduce((sum, phase) => sum + phase, 0);
  return {
    ...inGroup('reward', reward.components ?? {}),
    'reward/mean': reward.mean,
    'reward/std': reward.std,
    failed_rewards: record.failedRewards,
    not_applicable: record.notApplicable,
    groups: record.groups,
    zero_variance_groups: record.zeroVarianceGroups,
    group_diversity: record.diversity,
    ...inGroup('quality', qualityScalars(record.quality)),
    ...(atCeiling === undefined ? {} : { at_ceiling: atCeiling }),
    'ratio/mean': ratio.mean,
    'ratio/std': ratio.std,
    'ratio/max_deviation': ratio.maxDeviation,
    clip_fraction: record.clipFraction,
    clip_range: record.clipRange,
    ...Object.fromEntries(
      ratioPerTimestep.flatMap(({ timestep, mean, std, clipFraction }): [string, number][] => [
        [`ratio_mean_at/${String(timestep)}`, mean],
        [`ratio_std_at/${String(timestep)}`, std],
        [`clip_fraction_at/${String(timestep)}`, clipFraction],
      ]),
    ),
    approx_kl: record.approxKl,
    ...(klReference === undefined ? {} : { kl_reference: klReference }),
    ...(klWeight === undefined ? {} : { kl_weight: klWeight }),
    ...inGroup('method', record.measures ?? {}),
    loss: record.loss,
    gradient_norm: record.gradientNorm,
    learning_rate: record.learningRate,
    skipped_updates: record.skippedUpdates,
    ...federationScalars(record),
    ...inGroup('seconds', record.seconds),
    'seconds/total': seconds,
    images: record.images,
    images_per_second: record.images / seconds,
    memory_bytes: record.memoryBytes,
    tensors: record.tensors,
  };
}

function federationScalars({ client, round, exchangedBytes, reward }: IterationRecord): Scalars {
  return {
    ...(client === undefined ? {} : { [`client/${client}`]: reward.mean }),
    ...(round === undefined ? {} : { round }),
    ...(exchangedBytes === undefined ? {} : { exchanged_bytes: exchangedBytes }),
  };
}

function qualityScalars(quality: IterationRecord['quality']): Scalars {
  if (quality === undefined) return {};
  const { jpegBytesPerPixel, ...others } = quality;
  return { ...others, jpeg_bytes_per_pixel: jpegBytesPerPixel };
}

export function evaluationScalars(record: EvaluationRecord): Scalars {
  const families = Object.entries(record.families).map(([family, { mean }]): [string, number] => [
    family,
    mean,
  ]);
  const rewards = Object.entries(record.components ?? {});
  return inGroup(evaluationGroup(record), {
    ...Object.fromEntries(families),
    // One alone is the mean.
    ...Object.fromEntries(
      rewards.length > 1 ? rewards.map(([name, { mean }]) => [`reward/${name}`, mean]) : [],
    ),
    mean: record.mean,
    standard_error: record.standardError,
    failed: record.failed,
    not_applicable: record.notApplicable,
  });
}

/** Another guidance scale is a group of its own. */
export function evaluationGroup(record: EvaluationRecord): string {
  if (!isPointOfRun(record)) return record.name;
  return record.trainedOn === true ? 'training_prompts' : 'held_out';
}

export function summaryScalars({ evaluation: { after, gain, best } }: RunSummary): Scalars {
  if (after === undefined || gain === undefined) return {};
  return inGroup(evaluationGroup(after), {
    gain: gain.mean,
    gain_standard_error: gain.standardError,
    ...(best?.gain && {
      best_gain: best.gain.mean,
      best_gain_standard_error: best.gain.standardError,
    }),
  });
}

function inGroup(group: string, scalars: Scalars): Scalars {
  return Object.fromEntries(
    Object.entries(scalars).map(([name, value]) => [`${group}/${name}`, value]),
  );
}
