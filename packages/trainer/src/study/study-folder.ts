/** A study's folder: `study.yaml`, its runs, and what is made of them. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import { stringify } from 'yaml';

import { checkWritable } from '../files/check-writable';
import { fileStatus } from '../files/file-status';
import { asUserError } from '../files/system-errors';
import { writeFileAtomically } from '../files/write-atomically';
import { lockRun } from '../run-folder/run-lock';
import { UserError } from '../user-error';
import type { StudyPlan } from './plan-study';
import type { StudySettings } from './study-file';

const STUDY = 'study.yaml';
/** The file of a search. */
export const SEARCH = 'search.json';

/** What a study or a search leaves before its own file is there. */
const BEGINNINGS = /^(runs|pilots|run\.lock.*|\..*)$/;

/**
 * @param what a study or a search
 * @throws UserError when the folder holds something else
 */
export function checkFolderKind(folder: string, what: 'study' | 'search'): void {
  checkWritable(folder);
  const status = fileStatus(folder);
  if (status === undefined) return;
  if (!status.isDirectory()) {
    throw new UserError(`'${folder}' is a file; name a folder with --out`);
  }
  const file = { study: STUDY, search: SEARCH }[what];
  if (fileStatus(join(folder, file))?.isFile() === true) return;
  if (readdirSync(folder).some((name) => !BEGINNINGS.test(name))) {
    throw new UserError(
      `The folder '${folder}' is not empty and holds no ${what}; name another with --out`,
    );
  }
}

/** @throws UserError when the folder has runs that the study does not name */
export function checkStudyFolder(folder: string, plan: StudyPlan): void {
  const known = new Set(plan.runs.map((run) => relative(folder, run.folder).split(sep)[1]));
  const runs = join(folder, 'runs');
  const others = existsSync(runs)
    ? readdirSync(runs).filter((name) => !known.has(name) && !name.startsWith('.'))
    : [];
  if (others.length > 0) {
    throw new UserError(
      `'${folder}' holds another study: it has runs of ${others.join(', ')}, which this one does not name; name another folder with --out`,
    );
  }
}

export function writeStudyFile(folder: string, study: StudySettings): void {
  writeFileAtomically(join(folder, STUDY), stringify(study, { lineWidth: 0 }));
}

/**
 * Makes the folder where there is none, and keeps others from working in it.
 *
 * @param what a study or a search
 * @returns what gives it back
 */
export function lockStudy(folder: string, what: string): () => void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw asUserError(error, `make the ${what} folder`, folder);
  }
  return lockRun(folder, what);
}
