/** The pictures of `sample` as files. */
import { join } from 'node:path';

import { encodePng, type Image } from '@loop-diffusion/rewards';

import { imageFileName } from '../files/image-file-name';
import { writeFileAtomically } from '../files/write-atomically';
import { renderSampleGrid } from '../tracking/sample-grid';
import type { SampledImage } from './drawing-options';

/** More in one picture would be too small to look at, and too large to write. */
const MOST_IN_A_GRID = 64;

/** One PNG for each prompt into the folder. */
export async function writeImages(
  folder: string,
  images: readonly Image[],
  prompts: readonly string[],
): Promise<SampledImage[]> {
  const files: SampledImage[] = [];
  for (const [index, prompt] of prompts.entries()) {
    const file = join(folder, imageFileName(index, prompt));
    const image = images[index];
    if (image !== undefined) writeFileAtomically(file, await encodePng(image));
    files.push({ file, prompt });
  }
  return files;
}

/**
 * `grid.png`: the first 64 images under their prompts, each beside the one of the untouched model where there is one.
 * @returns the file
 */
export async function writeGrid(
  folder: string,
  { images, base }: { images: readonly Image[]; base: readonly Image[] | undefined },
  prompts: readonly string[],
): Promise<string> {
  const rows = prompts.slice(0, MOST_IN_A_GRID).map((prompt, index) => ({
    prompt,
    images: [base?.[index], images[index]].filter((image) => image !== undefined),
  }));
  const labels = base === undefined ? ['image'] : ['base', 'with the adapter'];
  const file = join(folder, 'grid.png');
  writeFileAtomically(file, await renderSampleGrid(rows, { title: labels.join(' | '), labels }));
  return file;
}
