/** A search's folder: `search.json` with what was decided, and the runs that it led to. */
import { join } from 'node:path';

import type { Settings } from '@loop-diffusion/bayesian-search';
import { z } from 'zod';

import { fileStatus } from '../files/file-status';
import { readTextFile } from '../files/read-text-file';
import { writeFileAtomically } from '../files/write-atomically';
import { checkFolderKind, SEARCH } from '../study/study-folder';
import { UserError } from '../user-error';
import type { SearchSettings } from './search-file';

/** A run of a search, decided on before it begins. */
export interface Decision {
  readonly settings: Settings;
  readonly purpose: 'start' | 'improve' | 'explain';
  /** What the run said, where it failed; it is not tried again. */
  readonly failure?: string | undefined;
}

const MAXIMUM_BYTES = 1e8;

const shape = z.object({
  search: z.unknown(),
  runs: z.array(
    z.object({
      settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
      purpose: z.enum(['start', 'improve', 'explain']),
      failure: z.string().optional(),
    }),
  ),
});

/**
 * @returns the decisions so far, none for a folder that is not there
 * @throws UserError when the folder holds something else, or another search
 */
export async function readDecisions(folder: string, search: SearchSettings): Promise<Decision[]> {
  checkFolderKind(folder, 'search');
  const path = join(folder, SEARCH);
  if (fileStatus(path) === undefined) return [];
  const text = await readTextFile(path, {
    what: 'state of the search',
    maximumBytes: MAXIMUM_BYTES,
  });
  const parsed = shape.safeParse(jsonIn(text));
  if (!parsed.success) {
    throw new UserError(`'${path}' is damaged: it is not the state of a search`);
  }
  if (comparable(parsed.data.search) !== comparable(search)) {
    throw new UserError(
      `'${folder}' holds another search; name another folder with --out, or change nothing but runs and confirm`,
    );
  }
  return parsed.data.runs;
}

export function writeDecisions(
  folder: string,
  search: SearchSettings,
  runs: readonly Decision[],
): void {
  writeFileAtomically(join(folder, SEARCH), `${JSON.stringify({ search, runs }, null, 2)}\n`);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** More runs may be asked for later. The order of levels is what their numbers mean, and counts. */
function comparable(search: unknown): string {
  const given = JSON.parse(JSON.stringify(search ?? {})) as object;
  return JSON.stringify({ ...given, runs: 0, confirm: 0 });
}
