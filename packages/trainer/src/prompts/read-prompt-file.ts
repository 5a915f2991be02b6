/** Prompts from a text file, one a line, with `#` for comments. */
import { readTextFile } from '../files/read-text-file';
import { UserError } from '../user-error';

const MAXIMUM_BYTES = 64 * 1024 ** 2;
const MAXIMUM_PROMPTS = 1_000_000;
const MAXIMUM_LETTERS = 10_000;

/**
 * Blank lines and those that begin with `#` are left out. A prompt that begins with `#` itself is written `\#`, one that begins
 * with `\#` is written `\\#`, and so on.
 * @returns the prompts, trimmed, in the file's order
 * @throws UserError when the file cannot be read, holds no prompt, or passes a limit
 */
export async function readPromptFile(path: string): Promise<string[]> {
  const text = await readTextFile(path, { what: 'prompt file', maximumBytes: MAXIMUM_BYTES });
  const prompts: string[] = [];
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const written = line.trim();
    if (written === '' || written.startsWith('#')) continue;
    const prompt = written.replace(/^\\(?=\\*#)/, '');
    const found = prompt.search(CONTROL_CHARACTER);
    if (found >= 0) {
      throw new UserError(
        `The prompt file '${path}' has a control character in line ${String(index + 1)}; a prompt file is plain text with a prompt a line`,
      );
    }
    if (prompt.length > MAXIMUM_LETTERS) {
      throw new UserError(
        `The prompt file '${path}' has ${String(prompt.length)} letters in line ${String(index + 1)}, and a prompt may have at most ${String(MAXIMUM_LETTERS)}`,
      );
    }
    prompts.push(prompt);
  }
  if (prompts.length === 0) {
    throw new UserError(
      `The prompt file '${path}' holds no prompt; write one a line (those that begin with # are comments)`,
    );
  }
  if (prompts.length > MAXIMUM_PROMPTS) {
    throw new UserError(
      `The prompt file '${path}' holds ${String(prompts.length)} prompts, and at most ${String(MAXIMUM_PROMPTS)} are read`,
    );
  }
  return prompts;
}

/** Tabs are white space; the others say that this is no text. */
const CONTROL_CHARACTER = /[^\P{Cc}\t]/u;
