import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { z } from 'zod';

import { type FileSource, sizeOf } from './file-source';
import { openHubFiles } from './hub-files';
import { EXPORT_HINT } from './export-hint';

/** The files of a model, each of which is counted in {@link ModelFiles.sha256} once it was asked for. */
export interface ModelFiles {
  /** A file's place on this machine, or undefined when the model has none. */
  find(path: string): Promise<string | undefined>;
  /** @throws {Error} in one sentence when there is no such file, or it is too large */
  locate(path: string): Promise<string>;
  /** @throws {Error} in one sentence that names the file and its field when it is not what was expected */
  readJson<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>>;
  /** The same for a file that some models lack. */
  readOptionalJson<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
  ): Promise<z.infer<Schema> | undefined>;
  /** Hash of the names and the content of all files that were asked for, in hexadecimal digits. */
  sha256(): Promise<string>;
}

const MEBIBYTE = 1024 ** 2;

/** Graphs and their weights may have 16 GiB, tokenizers and settings 32 MiB. */
function maximumBytes(path: string): number {
  return /\.onnx(_data)?$/.test(path) ? 16 * 1024 * MEBIBYTE : 32 * MEBIBYTE;
}

/**
 * @param model a folder, or `hf:owner/name[@revision]`
 * @param rewardFile read in the place of the model's own `reward.json`
 * @throws {Error} in one sentence when the folder does not exist or the name is none
 */
export async function openModelFiles(
  reward: string,
  model: string,
  rewardFile?: string,
): Promise<ModelFiles> {
  const hub = model.startsWith('hf:') ? await openHubFiles(model) : undefined;
  const source: FileSource = hub ?? (await openFolder(model));
  const used = new Map<string, string>();

  async function find(path: string): Promise<string | undefined> {
    const own = path === 'reward.json' ? rewardFile : undefined;
    const place = own ?? (await source.find(path, maximumBytes(path)));
    if (place === undefined) return undefined;
    const bytes = await sizeOf(place);
    if (bytes === undefined) throw new Error(`'${place}' cannot be read; expected a file`);
    if (bytes > maximumBytes(path)) {
      throw new Error(
        `'${path}' of the model '${model}' has ${bytes} bytes; expected at most ${maximumBytes(path)}`,
      );
    }
    used.set(path, place);
    return place;
  }

  async function readOptionalJson<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
  ): Promise<z.infer<Schema> | undefined> {
    const place = await find(path);
    if (place === undefined) return undefined;
    return parseJson(await readFile(place, 'utf8'), schema, `'${path}' of the model '${model}'`);
  }

  function missing(path: string): Error {
    return new Error(
      `The model '${model}' has no file '${path}'; expected the layout of transformers.js: ${EXPORT_HINT}`,
    );
  }

  return {
    find,
    readOptionalJson,
    async locate(path) {
      const place = await find(path);
      if (place === undefined) throw missing(path);
      return place;
    },
    async readJson(path, schema) {
      const value = await readOptionalJson(path, schema);
      if (value === undefined) throw missing(path);
      return value;
    },
    async sha256() {
      // All that is needed of it has been asked for.
      hub?.remember();
      const whole = createHash('sha256');
      for (const [path, place] of [...used].sort(([a], [b]) => (a < b ? -1 : 1))) {
        whole.update(`${path}\0${await sha256OfFile(place)}\0`);
      }
      return whole.digest('hex');
    },
  };
}

function parseJson<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  what: string,
): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${what} is not valid JSON`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join('.');
  throw new Error(`${what} is not as expected at '${field || '.'}': ${String(issue?.message)}`);
}

async function openFolder(folder: string): Promise<FileSource> {
  const status = await stat(folder).catch(() => undefined);
  if (status?.isDirectory() !== true) {
    throw new Error(
      `The model '${folder}' is no folder; expected one, or hf:owner/name[@revision]`,
    );
  }
  return {
    async find(path) {
      const place = join(folder, ...path.split('/'));
      return (await sizeOf(place)) === undefined ? undefined : place;
    },
  };
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MEBIBYTE })) {
    hash.update(chunk as Uint8Array);
  }
  return hash.digest('hex');
}
