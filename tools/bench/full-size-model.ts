/** A model's folder as published ones are, of random weights, for cases that read one. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { run, workspaceRoot } from '../check/workspace';

export interface FullSizeModel {
  readonly folder: string;
  /** Of its weights' numbers. */
  readonly dtype: 'F16' | 'F32';
}

export interface ProvideOptions {
  readonly onProgress?: ((text: string) => void) | undefined;
  /** Writes the model into a folder that is not there yet. */
  readonly write?: ((model: FullSizeModel) => Promise<void>) | undefined;
  /** Free bytes of the disk that holds a folder. */
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

/** Stable Diffusion 1.5 has 1.07 · 10⁹ weights, and some room is left for others. */
const NEEDED_BYTES = { F16: 3e9, F32: 5.5e9 };

/** @param cache the folder of such models */
export function stableDiffusion15(cache: string, dtype: FullSizeModel['dtype']): FullSizeModel {
  return { folder: join(cache, `sd15-${dtype === 'F16' ? 'float16' : 'float32'}`), dtype };
}

/**
 * Writes the model where it is not there already.
 *
 * @throws Error when there is too little room for it on the disk
 */
export async function provideModel(
  { folder, dtype }: FullSizeModel,
  { onProgress, write = writeModel, freeBytes = freeBytesAt }: ProvideOptions = {},
): Promise<void> {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  mkdirSync(parent, { recursive: true });
  const [free, needed] = [await freeBytes(parent), NEEDED_BYTES[dtype]];
  if (free < needed) {
    throw new Error(
      `A model of full size needs ${needed / 1e9} GB in ${parent}, where ${(free / 1e9).toFixed(1)} GB are free; LOOP_DIFFUSION_CACHE names another place.`,
    );
  }
  onProgress?.(`writing a model of random weights to ${folder}, once`);
  // Under another name until it is whole: an interrupted one is never taken for a finished one.
  const unfinished = `${folder}.${process.pid}`;
  try {
    await write({ folder: unfinished, dtype });
    renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

async function writeModel({ folder, dtype }: FullSizeModel): Promise<void> {
  const script = join(workspaceRoot, 'tools', 'full-size', 'write-model.ts');
  const { status, output } = await run(process.execPath, [
    ...['-C', '@loop/source', '--import', 'tsx', script],
    ...['--model', 'sd15', '--out', folder, '--dtype', dtype],
  ]);
  if (status === 0) return;
  throw new Error(`The model could not be written: ${output.trim().split('\n').at(-1) ?? ''}`);
}

async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
