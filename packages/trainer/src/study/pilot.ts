/** How many iterations a time is enough for: a run of three measures it. */
import { join } from 'node:path';

import { resolveConfig } from '../configuration/resolve-config';
import type { TrainSettings } from '../configuration/schema';
import { UserError } from '../user-error';
import { carryOutRun, type CarryOutOptions } from './carry-out-run';
import type { PlannedRun } from './plan-run';
import { folderName } from './variants';

/** The first compiles, and is not counted. */
const PILOT_ITERATIONS = 3;

/**
 * @param defaults of the model
 * @returns a run of a variant that only measures
 */
export function pilotOf(
  run: PlannedRun,
  study: string,
  defaults: TrainSettings | undefined,
): PlannedRun {
  const folder = join(study, 'pilots', folderName(run.variant));
  const settings = {
    ...run.settings,
    output: folder,
    iterations: PILOT_ITERATIONS,
    evaluate: { images: 0, baseGuidances: [] },
    samples: { count: 0 },
  };
  return { ...run, folder, settings, config: resolveConfig(settings, [], defaults) };
}

/**
 * @param seconds of training
 * @throws UserError when they are less than an iteration takes
 */
export async function iterationsIn(
  seconds: number,
  pilot: PlannedRun,
  options: CarryOutOptions,
): Promise<number> {
  const { history } = await carryOutRun(pilot, options);
  const each = history.iterations
    .slice(1)
    .map((record) => Object.values(record.seconds).reduce((sum, phase) => sum + phase, 0))
    .sort((left, right) => left - right);
  const median = ((each[0] ?? Number.NaN) + (each.at(-1) ?? Number.NaN)) / 2;
  if (!(median <= seconds)) {
    throw new UserError(
      `The study's budget is ${String(seconds)} seconds, but an iteration of '${pilot.variant}' takes ${median.toFixed(1)}`,
    );
  }
  return Math.floor(seconds / median);
}
