import { stat } from 'node:fs/promises';

/** Where the files of a model are looked for. */
export interface FileSource {
  /**
   * @param path plain, with slashes
   * @param maximumBytes of a file that would have to be fetched
   * @returns the file's place on this machine, or undefined when the model has no such file
   */
  find(path: string, maximumBytes: number): Promise<string | undefined>;
}

/** @returns undefined for what is no file */
export async function sizeOf(path: string): Promise<number | undefined> {
  const status = await stat(path).catch(() => undefined);
  return status?.isFile() === true ? status.size : undefined;
}
