/** `workers/N.log` of a run: what the workers say of which the terminal shows nothing. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { holdsRun } from './carry-out';

export interface WorkerLog {
  write(text: string): void;
  /** The last of what is in no file: what was said before the run had a folder, or could not be written. */
  takeKept(): string;
}

const KEPT_CHARACTERS = 4000;

export function createWorkerLog(folder: string, rank: number): WorkerLog {
  const path = join(folder, 'workers', `${String(rank)}.log`);
  let kept = '';
  let isWritable = true;
  return {
    takeKept() {
      const words = kept;
      kept = '';
      return words;
    },
    write(text) {
      kept += text;
      // A run that fails before it has begun leaves no folder.
      if (isWritable && holdsRun(folder)) {
        try {
          mkdirSync(dirname(path), { recursive: true });
          appendFileSync(path, kept);
          kept = '';
        } catch {
          // A full disk ends no run that has nothing else to write; the last words are told at its end.
          isWritable = false;
        }
      }
      kept = kept.slice(-KEPT_CHARACTERS);
    },
  };
}
