import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { addonHash } from './addon';
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

/** This user's cache: `$LOOP_DIFFUSION_CACHE`, else `$XDG_CACHE_HOME/loop-diffusion`, else `~/.cache/loop-diffusion`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const own = env['LOOP_DIFFUSION_CACHE'];
  if (own !== undefined && own !== '') return own;
  const shared = env['XDG_CACHE_HOME'];
  if (shared !== undefined && shared !== '') return join(shared, 'loop-diffusion');
  return join(homedir(), '.cache', 'loop-diffusion');
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
