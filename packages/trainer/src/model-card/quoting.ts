/** Texts of strangers, such as names of models and prompts, inside Markdown and code. */

/** One line of letters that YAML, Markdown and Python all take. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\uFFFE\uFFFF]+/gu, ' ').trim();
}

/** Markdown that shows the text as it is. */
export function codeSpan(text: string): string {
  const line = oneLine(text);
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  // A backtick at an end would make the fence longer.
  return longest > 0 ? `${fence} ${line} ${fence}` : `${fence}${line}${fence}`;
}

/** A text of Python, on one line. */
export function pythonText(text: string): string {
  return JSON.stringify(oneLine(text));
}

/** A word of a POSIX shell, on one line. */
export function shellWord(text: string): string {
  const line = oneLine(text);
  return /^[\w@%+=:,./-]+$/.test(line) ? line : `'${line.replaceAll("'", "'\\''")}'`;
}
