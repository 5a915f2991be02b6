/**
 * Checkpoints of a run: folders `checkpoints/step-N` that are there whole or not at all, and that tell whether they are still
 * what was written. Renaming the finished folder is what makes it a checkpoint.
 */
import { createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';

import { asUserError, systemErrorCode } from '../files/system-errors';
import {
  removeLeftover,
  syncFolder,
  writeToDescriptor,
  writeToDisk,
} from '../files/write-atomically';
import { UserError } from '../user-error';

/** Files by name. */
export type CheckpointFiles = Readonly<Record<string, Uint8Array>>;

export interface Checkpoint {
  /** Iterations that were done. */
  readonly step: number;
  readonly folder: string;
  readonly files: CheckpointFiles;
}

const MANIFEST = 'manifest.json';
const FORMAT = 'loop-diffusion checkpoint 1';
const FILE_NAME = /^[a-z][a-z0-9_]*\.(json|safetensors)$/;
const MAXIMUM_MANIFEST_BYTES = 65_536;
/** Of one file: what Node reads at once. */
export const MAXIMUM_FILE_BYTES = 2 ** 31 - 1;

interface Manifest {
  readonly format: string;
  readonly step: number;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string }>>;
}

/**
 * Writes every file to the disk under another name, then renames: whatever happens on the way, what was there before stays.
 *
 * @param folder the run's `checkpoints`
 * @param write stands in for the system's write in tests
 * @throws UserError with the system's reason in words
 */
export function writeCheckpoint(
  folder: string,
  step: number,
  files: CheckpointFiles,
  write = writeToDescriptor,
): void {
  const target = join(folder, nameOf(step));
  const temporary = `${target}.tmp`;
  const entries = Object.entries(files).map(([name, bytes]) => [
    name,
    { bytes: bytes.length, sha256: sha256(bytes) },
  ]);
  const manifest = {
    format: FORMAT,
    step,
    files: Object.fromEntries(entries) as Manifest['files'],
  };
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary, { recursive: true });
    for (const [name, bytes] of Object.entries(files)) {
      writeToDisk(join(temporary, name), bytes, write);
    }
    writeToDisk(join(temporary, MANIFEST), new TextEncoder().encode(textOf(manifest)), write);
    syncFolder(temporary);
    // Only a damaged one can be in the way: of a whole one the run would have gone on.
    rmSync(target, { recursive: true, force: true });
    renameSync(temporary, target);
    syncFolder(folder);
  } catch (error) {
    removeLeftover(temporary);
    throw asUserError(error, 'write the checkpoint', target);
  }
}

/**
 * @param folder a checkpoint's own
 * @throws UserError that says what is wrong with it
 */
export function readCheckpoint(folder: string): Checkpoint {
  const manifest = readManifest(folder);
  const files = Object.entries(manifest.files).map(([name, { bytes, sha256: expected }]) => {
    const read = readRegularFile(folder, name, MAXIMUM_FILE_BYTES);
    if (read.length !== bytes) {
      damaged(folder, `${name} has ${String(read.length)} bytes, of ${String(bytes)} written`);
    }
    if (sha256(read) !== expected) damaged(folder, `${name} is not what was written`);
    return [name, read] as const;
  });
  return { step: manifest.step, folder, files: Object.fromEntries(files) };
}

/**
 * The newest checkpoint that is whole.
 *
 * @param folder the run's `checkpoints`, which need not be there
 * @returns undefined when there is none; `damaged` says what is wrong with the newer ones
 */
export function readNewestCheckpoint(folder: string): {
  checkpoint: Checkpoint | undefined;
  damaged: string[];
} {
  const problems: string[] = [];
  for (const step of checkpointSteps(folder).reverse()) {
    try {
      const checkpoint = readCheckpoint(join(folder, nameOf(step)));
      if (checkpoint.step !== step) {
        damaged(checkpoint.folder, `it is the one after ${String(checkpoint.step)} iterations`);
      }
      return { checkpoint, damaged: problems };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
    }
  }
  return { checkpoint: undefined, damaged: problems };
}

/** Removes all but the newest `keep` and those in `besides`, and what a crash has left half-written. */
export function pruneCheckpoints(folder: string, keep: number, besides: readonly number[]): void {
  const kept = new Set([...checkpointSteps(folder).slice(-keep), ...besides]);
  for (const name of namesIn(folder)) {
    const step = stepOf(name.replace(/\.tmp$/, ''));
    if (step === undefined || (!name.endsWith('.tmp') && kept.has(step))) continue;
    const temporary = join(folder, `${nameOf(step)}.tmp`);
    // Under that name it is no checkpoint, should removing it be cut short.
    if (!name.endsWith('.tmp')) renameSync(join(folder, name), temporary);
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Ascending. */
export function checkpointSteps(folder: string): number[] {
  return namesIn(folder)
    .map(stepOf)
    .filter((step) => step !== undefined)
    .sort((first, second) => first - second);
}

/** The folder of a run's checkpoint after so many iterations. @param folder the run's `checkpoints` */
export function checkpointPath(folder: string, step: number): string {
  return join(folder, nameOf(step));
}

function nameOf(step: number): string {
  return `step-${String(step)}`;
}

function stepOf(name: string): number | undefined {
  const digits = /^step-(0|[1-9]\d{0,14})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw asUserError(error, 'read the checkpoints in', folder);
  }
}

/** With the digest of all else, so that no byte of it can change unnoticed. */
function textOf(manifest: Manifest): string {
  const digest = sha256(new TextEncoder().encode(JSON.stringify(manifest)));
  return `${JSON.stringify({ ...manifest, sha256: digest }, null, 2)}\n`;
}

function readManifest(folder: string): Manifest {
  const text = new TextDecoder().decode(readRegularFile(folder, MANIFEST, MAXIMUM_MANIFEST_BYTES));
  let parsed: Partial<Manifest> | null;
  try {
    parsed = JSON.parse(text) as Partial<Manifest> | null;
  } catch {
    return damaged(folder, `${MANIFEST} is not JSON`);
  }
  const { format, step, files } = parsed ?? {};
  if (typeof files !== 'object' || typeof step !== 'number') {
    return damaged(folder, `${MANIFEST} is not a manifest`);
  }
  if (format !== FORMAT) {
    return damaged(folder, `its format is ${JSON.stringify(format)}, and only "${FORMAT}" is read`);
  }
  const manifest = { format, step, files };
  if (textOf(manifest) !== text) damaged(folder, `${MANIFEST} is not what was written`);
  for (const name of Object.keys(files)) {
    if (!FILE_NAME.test(name)) damaged(folder, `it names a file ${JSON.stringify(name)}`);
  }
  return manifest;
}

function readRegularFile(folder: string, name: string, maximumBytes: number): Uint8Array {
  const path = join(folder, name);
  let status: Stats;
  try {
    status = lstatSync(path);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return damaged(folder, `${name} is missing`);
    throw asUserError(error, 'read', path);
  }
  if (!status.isFile()) return damaged(folder, `${name} is not a file`);
  if (status.size > maximumBytes) return damaged(folder, `${name} is too large`);
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw asUserError(error, 'read', path);
  }
}

function damaged(folder: string, how: string): never {
  throw new UserError(`The checkpoint '${folder}' cannot be used: ${how}`);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
