/** Streams that keep what is written, for tests. */
import type { Output } from '../terminal/output';

export interface CapturedOutput extends Output {
  /** Everything written so far. */
  outText(): string;
  errorText(): string;
}

export function captureOutput(terminal: { isTTY: boolean } = { isTTY: false }): CapturedOutput {
  const out: string[] = [];
  const error: string[] = [];
  const stream = (texts: string[]) => ({
    isTTY: terminal.isTTY,
    columns: 120,
    write: (text: string) => texts.push(text),
  });
  return {
    out: stream(out),
    error: stream(error),
    outText: () => out.join(''),
    errorText: () => error.join(''),
  };
}
