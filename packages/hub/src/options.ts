/** What whoever fetches from the hub may say. */
import type { BlobStandIns } from './blob';
import type { ConnectionStandIns } from './connection';
import type { HubReference } from './hub-name';
import type { HubSettings } from './settings';

export interface HubOptions extends HubReference {
  /** Default: what the environment says, see {@link hubSettings}. */
  readonly settings?: HubSettings | undefined;
  /** What a file may have, by its path, before it is fetched; larger ones are refused. Default 64 GiB. */
  readonly maximumBytes?: ((path: string) => number) | undefined;
  /** Told often while files are fetched, one after the other. */
  readonly onProgress?: ((progress: HubProgress) => void) | undefined;
  /** Told in a sentence that the hub is out of reach and what the cache has is taken, or that another download is waited for. */
  readonly onNote?: ((sentence: string) => void) | undefined;
  /** Ends the work at once; what has come is kept. */
  readonly signal?: AbortSignal | undefined;
}

export interface HubProgress {
  /** Of the file that is fetched. */
  readonly path: string;
  /** How much of it is there, with what an earlier download had left; it falls back where a server begins anew. */
  readonly bytes: number;
  readonly fileBytes: number;
  /** Of all files that are wanted, once they are known. */
  readonly totalBytes: number | undefined;
  /** Whether the file is in the cache, checked. Told once for each file, those included that were there. */
  readonly isDone: boolean;
}

/** For the system and the clock, in tests. */
export type HubStandIns = ConnectionStandIns & BlobStandIns;

export const MAXIMUM_BYTES = 64 * 1024 ** 3;
