import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { addonHash } from './addon';
import { NativeTensorflowError } from './errors';
import { sha256OfFile } from './sha256-of-file';
import type { NativeBuild } from './wheels';

export const manifestFile = 'manifest.json';

/** Written last into a build's folder: its presence says that everything else is there. */
export interface Manifest {
  readonly format: 1;
  readonly version: string;
  readonly kind: 'cpu' | 'gpu';
  /** sha256 of TensorFlow's wheel */
  readonly wheel: string;
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
}

/**
 * This user's cache: `$LOOP_DIFFUSION_CACHE`, else `$XDG_CACHE_HOME/loop-diffusion`, else `~/.cache/loop-diffusion`. Always an
 * absolute path, so that it does not depend on where a process is started.
 * @throws NativeTensorflowError where this user has no home either
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['LOOP_DIFFUSION_CACHE'];
  if (own !== undefined && own !== '') return resolve(own);
  const shared = env['XDG_CACHE_HOME'];
  // By its specification a path that is not absolute counts as none.
  if (shared !== undefined && isAbsolute(shared)) return join(shared, 'loop-diffusion');
  return join(homeFolder(env['HOME']), '.cache', 'loop-diffusion');
}

/** `$HOME` may be empty or missing in containers: then what the system says of this user counts. */
function homeFolder(home: string | undefined): string {
  if (home !== undefined && isAbsolute(home)) return home;
  try {
    const { homedir } = userInfo();
    if (isAbsolute(homedir)) return homedir;
  } catch {
    // A user without an entry in the system's list.
  }
  throw new NativeTensorflowError(
    'disk',
    'This user has no home folder for the cache: set HOME or LOOP_DIFFUSION_CACHE to a folder that can be written.',
  );
}

/** Where a build lies once installed. */
export function buildFolder(build: NativeBuild, cache = cacheFolder()): string {
  return join(cache, 'native-tensorflow', `${build.version}-${build.kind}-${addonHash()}`);
}

/** The manifest of a whole build in `folder`; null when there is none, or a file is missing or has another size. */
export async function readInstalled(folder: string): Promise<Manifest | null> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(join(folder, manifestFile), 'utf8'));
  } catch {
    return null;
  }
  if (!isManifest(manifest)) return null;
  const whole = await Promise.all(
    Object.entries(manifest.files).map(async ([path, expected]) => {
      try {
        return (await stat(join(folder, path))).size === expected.size;
      } catch {
        return false;
      }
    }),
  );
  return whole.every(Boolean) ? manifest : null;
}

/** The file in `folder` whose bytes are no longer those of the manifest; null when all are. Reads everything. */
export async function findChangedFile(folder: string, manifest: Manifest): Promise<string | null> {
  for (const [path, { sha256 }] of Object.entries(manifest.files)) {
    if ((await sha256OfFile(join(folder, path))) !== sha256) return path;
  }
  return null;
}

function isManifest(value: unknown): value is Manifest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'format' in value &&
    value.format === 1 &&
    'files' in value &&
    typeof value.files === 'object' &&
    value.files !== null
  );
}
