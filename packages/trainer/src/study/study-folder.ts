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

/** @throws UserError when the folder holds something else than a study, or runs that this one does not name */
export function checkStudyFolder(folder: string, plan: StudyPlan): void {
  checkWritable(folder);
  const status = fileStatus(folder);
  if (status === undefined) return;
  if (!status.isDirectory()) {
    throw new UserError(`'${folder}' is a file; name a folder with --out`);
  }
  const isEmpty = readdirSync(folder).length === 0;
  if (!isEmpty && fileStatus(join(folder, STUDY))?.isFile() !== true) {
    throw new UserError(
      `The folder '${folder}' is not empty and holds no study; name another with --out`,
    );
  }
  const known = new Set(plan.runs.map((run) => relative(folder, run.folder).split(sep)[1]));
  const runs = join(folder, 'runs');
  const others = existsSync(runs) ? readdirSync(runs).filter((name) => !known.has(name)) : [];
  if (others.length > 0) {
    throw new UserError(
      `'${folder}' holds another study: it has runs of ${others.join(', ')}, which this one does not name; name another folder with --out`,
    );
  }
}

/**
 * Makes the folder where there is none, and keeps others from working in it.
 * @returns what gives it back
 */
export function openStudyFolder(folder: string, study: StudySettings): () => void {
  const unlock = lockStudy(folder, 'study');
  try {
    writeFileAtomically(join(folder, STUDY), stringify(study, { lineWidth: 0 }));
  } catch (error) {
    unlock();
    throw error;
  }
  return unlock;
}

/** As {@link openStudyFolder}, of a study or a search. */
export function lockStudy(folder: string, what: string): () => void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw asUserError(error, `make the ${what} folder`, folder);
  }
  return lockRun(folder, what);
}
