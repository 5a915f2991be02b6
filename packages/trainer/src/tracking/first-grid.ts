/** The images that a run's later sample grids are set beside, and those of its end, which other runs' are. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { decodePicture, encodePng, type Image } from '@loop-diffusion/rewards';

import type { RunFolder } from '../run-folder/run-folder';

interface Grid {
  readonly name: string;
  readonly images: readonly Image[];
}

const FOLDER = 'samples';
/** The grid of a run's end. */
const LAST = 'after';

/**
 * Keeps the first grid's images, in the run's folder too (`samples/<name>/00.png` …), so that a run which goes on has them, and
 * those of the last one there.
 *
 * @returns a function that takes each grid and gives the first: that very grid, or the earlier one
 */
export function createFirstGrid(
  folder: Pick<RunFolder, 'path' | 'write'>,
): (name: string, images: readonly Image[]) => Promise<Grid> {
  let first: Grid | undefined;
  return async (name, images) => {
    first ??= await readGrid(join(folder.path, FOLDER));
    const isFirst = first === undefined;
    first ??= { name, images };
    if (isFirst || name === LAST) {
      for (const [index, image] of images.entries()) {
        folder.write(sampleImageFile(name, index), await encodePng(image));
      }
    }
    return first;
  };
}

/** Undefined where there is none yet. */
async function readGrid(folder: string): Promise<Grid | undefined> {
  if (!existsSync(folder)) return undefined;
  const entries = readdirSync(folder, { withFileTypes: true });
  const name = entries.find((entry) => entry.isDirectory() && entry.name !== LAST)?.name;
  if (name === undefined) return undefined;
  const files = readdirSync(join(folder, name)).filter((file) => /^\d+\.png$/.test(file));
  const images = files
    .map((_, index) => join(folder, name, fileName(index)))
    .map((file) => decodePicture(readFileSync(file)));
  return { name, images: await Promise.all(images) };
}

/** The picture of a grid, in the run's folder. @param index of its prompt, from 0 */
export function sampleImageFile(name: string, index: number): string {
  return `${FOLDER}/${name}/${fileName(index)}`;
}

function fileName(index: number): string {
  return `${String(index).padStart(2, '0')}.png`;
}
