/** A folder of scores, one small file each, that several processes may use at once. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Gate } from '@loop-diffusion/http';

import type { RewardScore } from '../reward';

/** What a file takes of a disk, whatever its length. */
const BLOCK = 4096;
/** After a clean-up there is room for a while. */
const KEPT_SHARE = 0.9;
/** A temporary file as old as this was left behind by a process that ended. */
const LEFTOVER_MS = 3_600_000;
/** Files that are looked at at once: as many as Node has threads for it. */
const LOOKS = 4;

/**
 * `ab/abcdef….json` holds the score with key `abcdef…`: the SHA-256 of the key and the rest, and the rest, which is JSON.
 * A file is written under another name and renamed, so that it is there whole or not at all; one that is damaged none the
 * less is taken for one that is not there. Its time is that of its last use. Nobody who scores waits for the folder to be
 * counted or cleaned up.
 */
export class ScoreFolder {
  /** Bytes in the folder as far as this process knows; counted after the first write. */
  #bytes: number | undefined;
  /** Written while the folder was counted or cleaned up. */
  #meanwhile = 0;
  #upkeep: Promise<void> | undefined;

  constructor(
    readonly folder: string,
    readonly maximumBytes: number,
  ) {
    if (!(maximumBytes >= BLOCK)) {
      throw new RangeError(
        `"maximumBytes" is ${maximumBytes}; expected at least ${BLOCK}, one score.`,
      );
    }
    mkdirSync(folder, { recursive: true });
  }

  async read(key: string): Promise<RewardScore | undefined> {
    const path = this.#path(key);
    try {
      const score = parseScore(key, await readFile(path, 'utf8'));
      if (score !== undefined) await touch(path);
      return score;
    } catch {
      return undefined;
    }
  }

  /** A score that cannot be kept, as on a full disk, is asked for again: no reason to fail. */
  async write(key: string, { value, components }: RewardScore): Promise<void> {
    const path = this.#path(key);
    const temporary = `${path}.${randomUUID()}.tmp`;
    try {
      await mkdir(join(path, '..'), { recursive: true });
      const text = JSON.stringify({ value, components });
      await writeFile(temporary, `${checksum(key, text)} ${text}\n`);
      await rename(temporary, path);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
      return;
    }
    this.#meanwhile += BLOCK;
    if (this.#bytes !== undefined) this.#bytes += BLOCK;
    this.#keepRoom();
  }

  /** Waits for what goes on behind the scores. */
  async settle(): Promise<void> {
    await this.#upkeep;
  }

  #path(key: string): string {
    return join(this.folder, key.slice(0, 2), `${key}.json`);
  }

  #keepRoom(): void {
    if (this.#bytes !== undefined && this.#bytes <= this.maximumBytes) return;
    this.#upkeep ??= this.#makeRoom()
      // Whatever is wrong with the folder, the next write tries again.
      .catch(() => {})
      .finally(() => (this.#upkeep = undefined));
  }

  async #makeRoom(): Promise<void> {
    this.#meanwhile = 0;
    const counted = this.#bytes ?? (await this.#count());
    const bytes = counted > this.maximumBytes ? await this.#removeLeastUsed() : counted;
    // What came meanwhile may be counted twice, which only cleans up a little early.
    this.#bytes = bytes + this.#meanwhile;
  }

  /** By the names alone: to look at a quarter of a million files takes many seconds, and nearly all have one block. */
  async #count(): Promise<number> {
    const paths = await this.#paths();
    const leftovers = paths.filter((path) => path.endsWith('.tmp'));
    await Promise.all(leftovers.map(removeLeftover));
    return BLOCK * (paths.length - leftovers.length);
  }

  async #removeLeastUsed(): Promise<number> {
    const gate = new Gate(LOOKS);
    const looked = await Promise.all(
      (await this.#paths()).map((path) => gate.run(() => lookAt(path))),
    );
    const files = looked.filter((file) => file !== undefined);
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    if (bytes <= this.maximumBytes) return bytes;
    files.sort((one, other) => one.time - other.time);
    for (const { path, bytes: freed } of files) {
      if (bytes <= this.maximumBytes * KEPT_SHARE) break;
      // Another process may have removed it.
      await rm(path, { force: true });
      bytes -= freed;
    }
    return bytes;
  }

  async #paths(): Promise<string[]> {
    const folders = (await readdir(this.folder)).filter((name) => /^[0-9a-f]{2}$/.test(name));
    const names = await Promise.all(
      folders.map(async (folder) => {
        const inside = await readdir(join(this.folder, folder));
        return inside.map((name) => join(this.folder, folder, name));
      }),
    );
    return names.flat().filter((path) => path.endsWith('.json') || path.endsWith('.tmp'));
  }
}

/** Used now. Where that cannot be written down, it only goes the sooner. */
async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}

async function removeLeftover(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && Date.now() - found.mtimeMs > LEFTOVER_MS) {
    await rm(path, { force: true });
  }
}

async function lookAt(
  path: string,
): Promise<{ path: string; bytes: number; time: number } | undefined> {
  if (!path.endsWith('.json')) return undefined;
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  return { path, bytes: Math.ceil(found.size / BLOCK) * BLOCK, time: found.mtimeMs };
}

function checksum(key: string, text: string): string {
  return createHash('sha256').update(key).update(text).digest('hex');
}

function parseScore(key: string, contents: string): RewardScore | undefined {
  const text = contents.slice(65, -1);
  if (contents !== `${checksum(key, text)} ${text}\n`) return undefined;
  const { value, components } = JSON.parse(text) as Omit<RewardScore, 'ok'>;
  return components === undefined ? { ok: true, value } : { ok: true, value, components };
}
