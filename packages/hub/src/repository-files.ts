/** Which files of a repository are wanted. */
import { HubError } from './hub-error';

/** What a choice of files is made among. */
export interface RepositoryFiles {
  /** For messages. */
  readonly name: string;
  /** All of the repository when something has to be fetched; what the cache has when it is asked whether that suffices. */
  readonly paths: ReadonlySet<string>;
  /** Fetches the file, where it is not there. */
  readJson(path: string): Promise<unknown>;
}

/**
 * Which files are needed, in the order in which they are fetched.
 *
 * It must throw a `HubError` where one is missing, rather than take what it finds: asked about the cache, it decides whether
 * a snapshot is whole.
 */
export type FileChoice = (files: RepositoryFiles) => Promise<readonly string[]>;

/** These and no others. */
export function exactly(wanted: readonly string[]): FileChoice {
  return async ({ name, paths }) => {
    const missing = wanted.find((path) => !paths.has(path));
    if (missing !== undefined) throw new HubError(`${name} has no ${missing}`);
    return wanted;
  };
}
