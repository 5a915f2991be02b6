/** How many iterations a time is enough for: a run of three measures it. */
import type { RecordedRun } from '../comparison/read-run';
import { resolveConfig } from '../configuration/resolve-config';
import type { TrainSettings } from '../configuration/schema';
import { UserError } from '../user-error';
import type { PlannedRun } from './plan-run';

/** The first compiles, and is not counted. */
const PILOT_ITERATIONS = 3;

/**
 * @param folder of its own
 * @param defaults of the model
 * @returns a run of a variant that only measures
 */
export function pilotOf(
  run: PlannedRun,
  folder: string,
  defaults: TrainSettings | undefined,
): PlannedRun {
  const settings = {
    ...run.settings,
    output: folder,
    seed: PILOT_SEED,
    iterations: PILOT_ITERATIONS,
    evaluate: { ...(run.settings['evaluate'] as object), images: 0, every: 0, guidances: [] },
    samples: { count: 0 },
  };
  return {
    ...{ variant: run.variant, seed: PILOT_SEED, folder, settings },
    config: resolveConfig(settings, [], defaults),
  };
}

/** The same whichever seeds the study has. */
const PILOT_SEED = 0;

/**
 * @param seconds of training
 * @throws UserError when they are less than an iteration takes
 */
export function iterationsIn(seconds: number, pilot: RecordedRun, variant: string): number {
  const each = pilot.history.iterations
    .slice(1)
    .map((record) => Object.values(record.seconds).reduce((sum, phase) => sum + phase, 0))
    .sort((left, right) => left - right);
  const median = ((each[0] ?? Number.NaN) + (each.at(-1) ?? Number.NaN)) / 2;
  if (!(median <= seconds)) {
    throw new UserError(
      `The budget is ${String(seconds)} seconds, but an iteration of '${variant}' takes ${median.toFixed(1)}`,
    );
  }
  return Math.floor(seconds / median);
}
