import { homedir } from 'node:os';
import { join } from 'node:path';

/** This user's cache, as native-tensorflow has it. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment['LOOP_DIFFUSION_CACHE'];
  if (own !== undefined && own !== '') return own;
  const shared = environment['XDG_CACHE_HOME'];
  if (shared !== undefined && shared !== '') return join(shared, 'loop-diffusion');
  return join(homedir(), '.cache', 'loop-diffusion');
}
