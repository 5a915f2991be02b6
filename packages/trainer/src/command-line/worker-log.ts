/** `workers/N.log` of a run: what the workers say of which the terminal shows nothing. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { holdsRun } from './carry-out';

export interface WorkerLog {
  write(text: string): void;
  /** What was said before the run had a folder, and so is in no file. */
  readonly kept: string;
}

const KEPT_CHARACTERS = 4000;

export function createWorkerLog(folder: string, rank: number): WorkerLog {
  const path = join(folder, 'workers', `${String(rank)}.log`);
  let kept = '';
  return {
    get kept() {
      return kept;
    },
    write(text) {
      kept += text;
      // A run that fails before it has begun leaves no folder.
      if (!holdsRun(folder)) {
        kept = kept.slice(-KEPT_CHARACTERS);
        return;
      }
      mkdirSync(dirname(path), { recursive: true });
      appendFileSync(path, kept);
      kept = '';
    },
  };
}
