import { spawn } from 'node:child_process';

export interface CommandResult {
  /** The exit status; null when the command could not be started or was ended by a signal. */
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  /** `ENOENT` and the like, when it could not be started. */
  readonly problem: string | undefined;
  readonly signal: NodeJS.Signals | null;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly timeout?: number;
}

/** Runs a command without a shell and never rejects: what happened is in the result. */
export function run(
  command: string,
  parameters: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    let output = '';
    let errors = '';
    const child = spawn(command, parameters, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
      ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
    });
    // A child must not outlive an interrupted install and go on writing into its folder.
    const stop = () => child.kill();
    process.once('exit', stop);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', (error: NodeJS.ErrnoException) => {
      process.off('exit', stop);
      resolve({ code: null, output, errors, problem: error.code ?? error.message, signal: null });
    });
    child.once('close', (code, signal) => {
      process.off('exit', stop);
      resolve({ code, output, errors, problem: undefined, signal });
    });
  });
}
