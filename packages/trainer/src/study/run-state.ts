/** How far a run of a study is, as its folder tells. */
import { isDeepStrictEqual } from 'node:util';

import { readBegunRun, type RecordedRun } from '../comparison/read-run';
import { resolveConfig } from '../configuration/resolve-config';
import { isRunFolder } from '../run-folder/run-folder';
import { UserError } from '../user-error';
import { differingKeys, type PlannedRun } from './plan-run';

/** `missing`: nothing that could go on. */
export type RunState =
  | { readonly state: 'missing' }
  | { readonly state: 'begun'; readonly iterations: number }
  | { readonly state: 'done'; readonly recorded: RecordedRun };

/**
 * @throws UserError when the folder holds a run of another configuration, or what was recorded is damaged
 */
export async function stateOfRun(run: PlannedRun): Promise<RunState> {
  const { folder, config } = run;
  if (!isRunFolder(folder)) return { state: 'missing' };
  const recorded = await readBegunRun(folder);
  const given = resolveConfig(recorded.config);
  const keys = differingKeys(given, config);
  if (keys.length > 0 || !isDeepStrictEqual(outputless(given), outputless(config))) {
    throw new UserError(
      `'${folder}' holds a run of another study: it has another ${keys.join(', ')} than '${run.variant}'; name another folder with --out`,
    );
  }
  return recorded.summary?.interrupted === false
    ? { state: 'done', recorded }
    : { state: 'begun', iterations: recorded.history.iterations.at(-1)?.iteration ?? 0 };
}

function outputless(config: object): object {
  return { ...config, output: '' };
}
