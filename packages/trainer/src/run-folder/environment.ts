/** What a run was done with, for whoever wants to do it again. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';

import { packageVersion, TRAINER } from '../files/package-version';

export interface Environment {
  readonly versions: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly processor: string;
  readonly threads: number;
  /** Of the repository that the command was given in; left out where there is none. */
  readonly git?: { readonly commit: string; readonly changed: boolean } | undefined;
}

const PACKAGES = [TRAINER, '@tensorflow/tfjs-core', '@tensorflow/tfjs-node-gpu'];

/** @param folder that the run was started in */
export function describeEnvironment(folder = process.cwd()): Environment {
  const versions = PACKAGES.map((name) => [name, packageVersion(name) ?? 'unknown'] as const);
  return {
    versions: Object.fromEntries([['node', process.versions.node], ...versions]),
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    threads: availableParallelism(),
    git: gitState(folder),
  };
}

function gitState(folder: string): Environment['git'] {
  try {
    const commit = git(folder, ['rev-parse', 'HEAD']).trim();
    return { commit, changed: git(folder, ['status', '--porcelain']).trim() !== '' };
  } catch {
    // No git, no repository, or one without commits.
    return undefined;
  }
}

function git(folder: string, args: readonly string[]): string {
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  return execFileSync('git', [...args], { cwd: folder, stdio, encoding: 'utf8', timeout: 5000 });
}
