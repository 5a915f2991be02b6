/** What the variants of a study draw: the same prompts and noise, one beside the other. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { decodePicture, type Image } from '@loop-diffusion/rewards';

import { sampleImageFile } from '../../tracking/first-grid';
import { renderSampleGrid } from '../../tracking/sample-grid';

/** The last pictures of a run, and those before training. */
export interface PicturedRun {
  readonly label: string;
  readonly folder: string;
}

const MOST_PROMPTS = 12;

/**
 * @param runs whose pictures are of the same prompts and noise
 * @param prompts of the pictures, in their order
 * @returns undefined where a run keeps no pictures
 */
export async function variantsPicture(
  runs: readonly PicturedRun[],
  prompts: readonly string[],
): Promise<Uint8Array | undefined> {
  const [first] = runs;
  if (first === undefined) return undefined;
  const columns = [
    { label: 'before', folder: first.folder, name: 'before' },
    ...runs.map((run) => ({ ...run, name: 'after' })),
  ];
  const rows = [];
  for (const [index, prompt] of prompts.slice(0, MOST_PROMPTS).entries()) {
    const images: Image[] = [];
    for (const { folder, name } of columns) {
      const file = join(folder, sampleImageFile(name, index));
      if (!existsSync(file)) return undefined;
      images.push(await decodePicture(readFileSync(file)));
    }
    rows.push({ prompt, images });
  }
  if (rows.length === 0) return undefined;
  return renderSampleGrid(rows, {
    title: 'The same prompts, the same noise',
    labels: columns.map(({ label }) => label),
  });
}
