/**
 * Where lines for the user go.
 *
 * Only `weights`, `model-card`, `tracking`, `comparison`, `gradient-variance`, `study`, `api` and `command-line` may import this
 * folder.
 */

/** The part of a stream that is used; tests pass their own. */
export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** What a command writes to: results on `out`, warnings and errors on `error`. */
export interface Output {
  readonly out: OutputStream;
  readonly error: OutputStream;
}

/**
 * The process's own streams. A reader that went away, as `head` does, is no error: what comes after is dropped, and the
 * work goes on.
 */
export function processOutput(): Output {
  return { out: quietWhenClosed(process.stdout), error: quietWhenClosed(process.stderr) };
}

function quietWhenClosed(stream: NodeJS.WriteStream): OutputStream {
  let closed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    closed = true;
  });
  return {
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns;
    },
    write(text) {
      if (!closed) stream.write(text);
    },
  };
}
