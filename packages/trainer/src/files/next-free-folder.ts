/** A name that is not taken yet. */
import { existsSync } from 'node:fs';

/** @returns `folder`, or `folder-2`, `folder-3`, … whichever does not exist first */
export function nextFreeFolder(folder: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? folder : `${folder}-${String(number)}`;
    if (!existsSync(candidate)) return candidate;
  }
}
