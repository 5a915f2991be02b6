import { createRequire } from 'node:module';

const MISSING = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

function explain(reward: string, packages: readonly string[], error: unknown): unknown {
  if (!MISSING.has((error as { code?: string } | undefined)?.code ?? '')) return error;
  const message = `Reward "${reward}" needs ${packages.join(' and ')}: npm install ${packages.join(' ')}`;
  return new Error(message, { cause: error });
}

/**
 * Loads what those who use the reward install, and nobody else.
 *
 * @throws {Error} that says what to install when something is not there
 */
export async function importPeers<T>(
  reward: string,
  packages: readonly string[],
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw explain(reward, packages, error);
  }
}

/** The file that a name stands for in `require`, for packages that carry a model; see {@link importPeers}. */
export function resolvePeer(reward: string, packages: readonly string[], name: string): string {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch (error) {
    throw explain(reward, packages, error);
  }
}
