/** A YAML file as plain values. */
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml';

import { readTextFile } from '../files/read-text-file';
import { UserError } from '../user-error';
import { namesAt } from './key-reference';

const MAXIMUM_BYTES = 1024 * 1024;

/**
 * A section without a word in it, such as one whose keys are all comments, counts as left out. In YAML it would be null, which
 * for `lora` means to train all weights; who wants that writes `lora: null`.
 * @throws Error naming the file and, for a syntax error, the line and column
 */
export async function readConfigFile(
  path: string,
  { what, isSection }: FileKind = CONFIGURATION,
): Promise<unknown> {
  const text = await readTextFile(path, { what, maximumBytes: MAXIMUM_BYTES });
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    throw new UserError(
      `'${path}' is not valid YAML at line ${String(line)}, column ${String(col)}: ${error.message}`,
    );
  }
  leaveOutEmptySections(document.contents, [], isSection);
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (error) {
    throw new UserError(
      `'${path}' is not a valid ${what}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** What a file is called, and which of its keys are sections. */
interface FileKind {
  readonly what: string;
  readonly isSection: (path: readonly string[]) => boolean;
}

const CONFIGURATION: FileKind = {
  what: 'configuration file',
  isSection: (path) => namesAt(path).length > 0,
};

function leaveOutEmptySections(
  node: unknown,
  path: readonly string[],
  isSection: FileKind['isSection'],
): void {
  if (!isMap(node)) return;
  node.items = node.items.filter(({ key, value }) => {
    const here = [...path, String(isScalar(key) ? key.value : key)];
    leaveOutEmptySections(value, here, isSection);
    const isEmpty =
      value === null || (isScalar(value) && value.value === null && value.source === '');
    return !(isEmpty && isSection(here));
  });
}
