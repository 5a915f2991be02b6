/** Whether there is room for a checkpoint: in its files, and on the disk. */
import { statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { fileStatus } from '../files/file-status';
import { MAXIMUM_FILE_BYTES } from '../run-folder/checkpoint-folder';
import { UserError } from '../user-error';

/** Two moments, and room for the header. */
const LARGEST_TRAINED = Math.floor(
  (MAXIMUM_FILE_BYTES - 4096) / (2 * Float32Array.BYTES_PER_ELEMENT),
);

/**
 * @param weights numbers that are trained
 * @throws UserError when they are more than a checkpoint can hold
 */
export function checkCheckpointSize(weights: number): void {
  if (weights <= LARGEST_TRAINED) return;
  const millions = (count: number): string => `${(count / 1e6).toFixed(0)} million`;
  throw new UserError(
    `lora is null, but this UNet has ${millions(weights)} weights, and a checkpoint holds their moments up to ${millions(LARGEST_TRAINED)}; train an adapter instead`,
  );
}

/** Float32 numbers for each trained weight: it and two of its optimizer in the checkpoint, and it again in the result. */
const NUMBERS_A_WEIGHT = 4;

/**
 * At the start, for iterations that no checkpoint can keep are for nothing.
 *
 * @param trained the weights that are trained
 * @param output the run's folder, which need not be there yet
 * @param copies of the weights that a checkpoint and the result hold besides: averages, and what clients have
 * @param freeBytes tells what is free on the disk of a folder that is there; undefined where the system does not say
 * @throws UserError when one checkpoint with the result is larger
 */
export function checkDiskSpace(
  trained: readonly { readonly size: number }[],
  output: string,
  copies = 0,
  freeBytes: (folder: string) => number | undefined = freeBytesOf,
): void {
  const weights = trained.reduce((total, { size }) => total + size, 0);
  const needed = weights * (NUMBERS_A_WEIGHT + copies) * Float32Array.BYTES_PER_ELEMENT;
  const free = freeBytes(nearestFolder(output));
  if (free === undefined || free >= needed) return;
  const size = (bytes: number): string =>
    bytes < 1e7 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  throw new UserError(
    `The disk of '${output}' has ${size(free)} free, but a checkpoint of this run with its result takes ${size(needed)}; free some, or name another output`,
  );
}

function nearestFolder(path: string): string {
  let folder = resolve(path);
  while (fileStatus(folder) === undefined && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** A file system without blocks, as some that are mounted over a network, says nothing of its room. */
function freeBytesOf(folder: string): number | undefined {
  try {
    const { blocks, bavail, bsize } = statfsSync(folder);
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}
