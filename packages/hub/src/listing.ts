/** What a repository on the hub holds at a revision. */
import type { HubConnection } from './connection';
import { HubError, HubUnreachable } from './hub-error';
import { isCommit } from './hub-name';

export interface HubFile {
  /** Plain, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Git's SHA-1 of a blob, or the SHA-256 of a large file's content; what the cache calls the file. */
  readonly etag: string;
}

/** Models have dozens; the hub advises against more than this in any repository. */
const MAXIMUM_FILES = 100_000;
/** Of a thousand files each, as the hub has them. */
const MAXIMUM_PAGES = 100;

/**
 * @returns the commit that the revision stands at
 * @throws HubError when there is no such repository or revision, or it may not be read; HubUnreachable
 */
export async function fetchCommit(connection: HubConnection): Promise<string> {
  const { name, endpoint, fetchSmall } = connection;
  const { datasetInfo, modelInfo } = await import('@huggingface/hub');
  const { repository, revision, type } = name;
  const asked = { name: repository, revision, hubUrl: endpoint, fetch: fetchSmall };
  const { sha } = await answerOf(connection, () =>
    type === 'dataset'
      ? datasetInfo({ ...asked, additionalFields: ['sha'] })
      : modelInfo({ ...asked, additionalFields: ['sha'] }),
  );
  if (typeof sha !== 'string' || !isCommit(sha)) throw notAHub(connection);
  return sha;
}

/**
 * @returns the files by their paths
 * @throws HubError for a list that is too long, or one with a name that could lead out of a folder; HubUnreachable
 */
export async function fetchListing(
  connection: HubConnection,
  commit: string,
): Promise<ReadonlyMap<string, HubFile>> {
  const { name, endpoint, fetchSmall } = connection;
  const tooLong = new HubError(
    `${name.text} holds more than ${MAXIMUM_FILES} files; expected fewer`,
  );
  let pages = 0;
  const { listFiles } = await import('@huggingface/hub');
  return answerOf(connection, async () => {
    const files = new Map<string, HubFile>();
    const entries = listFiles({
      repo: { type: name.type, name: name.repository },
      revision: commit,
      recursive: true,
      hubUrl: endpoint,
      // Also ends a chain of pages that hold nothing.
      fetch: (...request) => {
        if (++pages > MAXIMUM_PAGES) throw tooLong;
        return fetchSmall(...request);
      },
    });
    for await (const { type, path, size, oid, lfs } of entries) {
      if (type !== 'file') continue;
      if (!isPlainPath(path)) {
        throw new HubError(
          `${name.text} lists a file named ${JSON.stringify(path).slice(0, 200)}, which could lead out of its folder; nothing of it was fetched`,
        );
      }
      const etag = lfs === undefined ? oid : lfs.oid;
      const digits = lfs === undefined ? 40 : 64;
      const bytes = lfs === undefined ? size : lfs.size;
      if (!isHash(etag, digits) || !Number.isSafeInteger(bytes) || bytes < 0) {
        throw notAHub(connection);
      }
      files.set(path, { path, bytes, etag });
      if (files.size > MAXIMUM_FILES) throw tooLong;
    }
    return files;
  });
}

/** Whether a path stays in its folder on every system. */
export function isPlainPath(path: unknown): path is string {
  return (
    typeof path === 'string' &&
    // eslint-disable-next-line no-control-regex -- they are what is looked for
    !/[\\\x00-\x1f]|^[a-z]:/i.test(path) &&
    path.split('/').every((part) => !['', '.', '..'].includes(part))
  );
}

function isHash(text: unknown, digits: number): text is string {
  return typeof text === 'string' && text.length === digits && /^[0-9a-f]+$/.test(text);
}

/** What is wrong with an answer shows while it is parsed, as errors of any kind. */
async function answerOf<Result>(
  connection: HubConnection,
  request: () => Promise<Result>,
): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    connection.signal?.throwIfAborted();
    throw error instanceof HubError ? error : notAHub(connection, error);
  }
}

function notAHub({ name, endpoint }: HubConnection, cause?: unknown): HubUnreachable {
  return new HubUnreachable(
    `${name.text} cannot be fetched: ${endpoint} does not answer as a hub does; check HF_ENDPOINT and the network`,
    { cause },
  );
}
