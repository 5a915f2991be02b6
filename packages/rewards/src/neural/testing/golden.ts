/** What Python made of the models in `fixtures`, for tests; see tools/reward-models/tiny.py. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Image } from '../../image';
import { decodePicture } from '../../png';
import type { Reward, RewardResult } from '../../reward';

const FIXTURES = join(__dirname, '..', 'fixtures');

export interface Golden {
  readonly images: readonly string[];
  readonly prompts: readonly string[];
  readonly normalised: Readonly<Record<string, readonly number[]>>;
  readonly clip: {
    readonly ids: readonly (readonly number[])[];
    /** Of every image with every prompt. */
    readonly clipScore: readonly (readonly number[])[];
    readonly pickScore: readonly (readonly number[])[];
    readonly aesthetic: Readonly<Record<'v1' | 'v2', readonly number[]>>;
  };
  readonly 'clip-h': { readonly humanPreference: readonly (readonly number[])[] };
  readonly 'image-reward': {
    readonly ids: readonly (readonly number[])[];
    readonly imageReward: readonly (readonly number[])[];
  };
  readonly 'blip-vqa': {
    readonly blipVqa: {
      readonly chunks: Readonly<Record<string, readonly string[]>>;
      /** By prompt: of every image with every chunk. */
      readonly probabilities: Readonly<Record<string, readonly (readonly number[])[]>>;
    };
  };
  readonly dino: { readonly dinoDistances: readonly (readonly number[])[] };
}

export const golden = JSON.parse(readFileSync(join(FIXTURES, 'golden.json'), 'utf8')) as Golden;

export function fixture(...path: string[]): string {
  return join(FIXTURES, ...path);
}

export async function readImage(...path: string[]): Promise<Image> {
  return decodePicture(readFileSync(fixture(...path)));
}

/** In the order of {@link Golden.images}. */
export async function readImages(): Promise<Image[]> {
  return Promise.all(golden.images.map((name) => readImage('images', `${name}.png`)));
}

/** Calls `use` with a copy of a model, in which `files` are written over; `undefined` takes one away. */
export async function withModel(
  model: string,
  files: Readonly<Record<string, string | undefined>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'reward-model-'));
  try {
    cpSync(fixture(model), folder, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      if (text === undefined) rmSync(join(folder, path));
      else writeFileSync(join(folder, path), text);
    }
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws {Error} when one is a failure */
export function valuesOf(results: readonly RewardResult[]): number[] {
  return results.map((result) => {
    if (!result.ok) throw new Error(`${result.kind}: ${result.message}`);
    return result.value;
  });
}

/** Scores every image with every prompt, in calls of any number. */
export async function scoreAllPairs(
  reward: Reward,
  prompts: readonly string[],
): Promise<number[][]> {
  const images = await readImages();
  const rows: number[][] = [];
  for (const image of images) {
    rows.push(valuesOf(await reward.score({ images: prompts.map(() => image), prompts })));
  }
  return rows;
}

export function largestDifference(
  got: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
): number {
  if (String(got.map((row) => row.length)) !== String(expected.map((row) => row.length))) {
    throw new Error('There are not as many numbers as expected');
  }
  const differences = got.map((row, i) =>
    row.map((value, j) => Math.abs(value - expected[i]![j]!)),
  );
  return Math.max(...differences.flat());
}
