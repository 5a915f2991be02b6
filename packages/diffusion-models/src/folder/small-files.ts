import { parsePythonJson } from '../python-json';
import type { FileReader } from '../types';

/** Configurations and vocabularies are far smaller (CLIP's largest file: 1 MB). */
const MAXIMUM_TEXT_BYTES = 10_000_000;

/** A JSON file of the model. @throws Error that names the file when it is missing, too large or no JSON */
export async function readJson(reader: FileReader, path: string): Promise<unknown> {
  const text = await readText(reader, path);
  try {
    return parsePythonJson(text);
  } catch (error) {
    throw new Error(
      `${describe(reader, path)} is not valid JSON (${messageOf(error)}); it is damaged or cut off. Fetch the model again.`,
      { cause: error },
    );
  }
}

/** A JSON file that the model may lack: `undefined` then. */
export async function readOptionalJson(reader: FileReader, path: string): Promise<unknown> {
  return (await reader.exists(path)) ? readJson(reader, path) : undefined;
}

/** A text file of the model. @throws Error that names the file when it is missing, too large or not UTF-8 */
export async function readText(reader: FileReader, path: string): Promise<string> {
  if (!(await reader.exists(path))) {
    throw new Error(
      `${describe(reader, path)} is missing; this is no whole diffusers model. Fetch the model again, or give the folder that holds model_index.json.`,
    );
  }
  const bytes = await readBounded(reader, path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(`${describe(reader, path)} is not UTF-8 text; it is damaged.`, {
      cause: error,
    });
  }
}

/** Looks at the size first, where the reader can open files. */
async function readBounded(reader: FileReader, path: string): Promise<Uint8Array> {
  const check = (size: number): void => {
    if (size <= MAXIMUM_TEXT_BYTES) return;
    throw new Error(
      `${describe(reader, path)} has ${size} bytes; at most ${MAXIMUM_TEXT_BYTES} are read. This is no such file of a diffusers model.`,
    );
  };
  if (reader.open === undefined) {
    const bytes = await readBytes(reader, path);
    check(bytes.length);
    return bytes;
  }
  const file = await named(reader, path, () => (reader as Required<FileReader>).open(path));
  try {
    check(file.size);
    return await named(reader, path, () => file.read(0, file.size));
  } finally {
    await file.close();
  }
}

/** What an error calls a file. */
export function describe(reader: FileReader, path: string): string {
  return `${path} of ${reader.name}`;
}

export function readBytes(reader: FileReader, path: string): Promise<Uint8Array> {
  return named(reader, path, () => reader.read(path));
}

async function named<Result>(
  reader: FileReader,
  path: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${describe(reader, path)} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
