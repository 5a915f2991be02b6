/** A YAML file as plain values. */
import { LineCounter, parseDocument } from 'yaml';

import { readTextFile } from '../files/read-text-file';
import { UserError } from '../user-error';

const MAXIMUM_BYTES = 1024 * 1024;

/** @throws Error naming the file and, for a syntax error, the line and column */
export async function readConfigFile(path: string): Promise<unknown> {
  const text = await readTextFile(path, {
    what: 'configuration file',
    maximumBytes: MAXIMUM_BYTES,
  });
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new UserError(
      `'${path}' is not valid YAML at line ${String(line)}, column ${String(col)}: ${error.message}`,
    );
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw new UserError(
      `'${path}' is not a valid configuration: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
