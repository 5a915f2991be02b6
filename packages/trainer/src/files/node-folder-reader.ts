/** A model folder on this machine's disk, read with the care that a folder from strangers needs. */
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, posix, relative, sep, win32 } from 'node:path';

import type { FileReader } from '@loop-diffusion/diffusion-models';
import { hubCacheOf } from '@loop-diffusion/hub';

import { UserError } from '../user-error';
import { openBytes, readBytes, type BoundedFile } from './read-bytes';
import { asUserError, systemErrorCode } from './system-errors';

const MAXIMUM_CONFIG_BYTES = 10 * 1024 ** 2;
const MAXIMUM_WEIGHT_BYTES = 64 * 1024 ** 3;

/**
 * Reads files under `folder` and nowhere else: every path is resolved with its symbolic links and must end under the
 * folder's real path. Weights (`.safetensors`) may have 64 GiB, all other files 10 MiB.
 * @param options.within a folder around it that links may lead into too, as in a cache whose folders share their files; where the
 *   path is that of a snapshot in the hub's cache, its repository
 * @throws UserError when the folder does not exist or is a file
 */
export function nodeFolderReader(folder: string, options: { within?: string } = {}): FileReader {
  const root = realFolder(folder);
  const allowed =
    options.within === undefined ? (hubCacheOf(root)?.folder ?? root) : realFolder(options.within);

  /** @returns undefined when there is no such file */
  function locate(path: string): string | undefined {
    const parts = path.split('/');
    if (path === '' || posix.isAbsolute(path) || win32.isAbsolute(path) || path.includes('\0')) {
      throw new UserError(`'${path}' is not a path inside the model folder '${folder}'`);
    }
    if (parts.includes('..') || path.includes('\\')) {
      throw new UserError(`'${path}' leads out of the model folder '${folder}'`);
    }
    let real: string;
    try {
      real = realpathSync(join(root, ...parts));
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw asUserError(error, 'read', join(folder, path));
    }
    const inside = relative(allowed, real);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw new UserError(
        `'${path}' of the model folder '${folder}' is a link that leads out of the folder; copy the file into it, or name a model of the hub as hf:owner/name`,
      );
    }
    return real;
  }

  function whole(path: string): string {
    const real = locate(path);
    if (real !== undefined) return real;
    throw new UserError(
      `The model folder '${folder}' has no file '${path}'; is it a diffusers folder, whole?`,
    );
  }

  return {
    name: folder,
    // Async, so that a path that is refused is a rejected promise as in `read`.
    async exists(path) {
      const real = locate(path);
      return real !== undefined && statSync(real).isFile();
    },
    async read(path) {
      return readBytes(whole(path), bounds(path));
    },
    async open(path) {
      return openBytes(whole(path), bounds(path));
    },
  };
}

function bounds(path: string): BoundedFile {
  return { what: 'model file', maximumBytes: maximumModelFileBytes(path) };
}

/** What a file of a model may have, wherever it comes from: weights 64 GiB, all others 10 MiB. */
export function maximumModelFileBytes(path: string): number {
  return path.endsWith('.safetensors') ? MAXIMUM_WEIGHT_BYTES : MAXIMUM_CONFIG_BYTES;
}

function realFolder(folder: string): string {
  try {
    const root = realpathSync(folder);
    if (!statSync(root).isDirectory()) {
      throw new UserError(`The model '${folder}' is a file; a diffusers folder was expected`);
    }
    return root;
  } catch (error) {
    throw asUserError(error, 'open the model folder', folder);
  }
}
