/** Versions of what does the work. */
import { createRequire } from 'node:module';

/** @returns `undefined` for a package that is not installed */
export function packageVersion(name: string): string | undefined {
  try {
    const manifest = createRequire(import.meta.url)(`${name}/package.json`) as {
      version?: unknown;
    };
    return typeof manifest.version === 'string' ? manifest.version : undefined;
  } catch {
    return undefined;
  }
}

export const TRAINER = '@loop-diffusion/trainer';
