/** A worker seen from outside: a child process that answers each `go` with one repetition. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { ReadyReport, Repetition } from './results';

export interface WorkerCommand {
  /** For tables and messages. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
}

export interface WorkerProcess {
  readonly name: string;
  readonly ready: ReadyReport;
  /** From the process's start to ready. */
  readonly startSeconds: number;
  repeat(): Promise<Repetition>;
  /** Lets the process go, and waits for its end. */
  close(): Promise<void>;
}

/** A worker that ended too early; the message has the last that it said. */
export class WorkerError extends Error {}

const LINES_KEPT = 50;
const LINES_SHOWN = 3;

/** Time that a worker has to end by itself. */
const CLOSE_MILLISECONDS = 20_000;

/**
 * Starts a worker and waits until it is ready.
 *
 * @throws WorkerError when it ends before that
 */
export async function startWorker(command: WorkerCommand, folder: string): Promise<WorkerProcess> {
  const { name } = command;
  const started = performance.now();
  const child = spawn(command.program, [...command.args], { cwd: folder, stdio: 'pipe' });
  // Writing to a worker that has just ended fails; its end itself says why.
  child.stdin.on('error', () => undefined);
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.trim() !== '') said.push(line.trim());
    if (said.length > LINES_KEPT) said.shift();
  });

  const reports: Record<string, unknown>[] = [];
  let end: Error | undefined;
  let wake: () => void = () => undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const report = parseReport(line);
    if (report === undefined) return; // a library that says something of its own
    reports.push(report);
    wake();
  });
  const ended = new Promise<void>((resolve) => {
    const finish = (how: string): void => {
      end ??= new WorkerError(`${name} ${how}${lastWords(said)}`);
      wake();
      resolve();
    };
    child.on('error', (error) => finish(`cannot be started (${error.message})`));
    child.on('close', (status, signal) =>
      finish(signal === null ? `ended with status ${status ?? 0}` : `was ended by ${signal}`),
    );
  });
  const nextReport = async (): Promise<Record<string, unknown>> => {
    for (;;) {
      const report = reports.shift();
      if (report !== undefined) return report;
      if (end !== undefined) throw end;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };

  const { ready, ...facts } = await nextReport();
  const startSeconds = (performance.now() - started) / 1000;
  if (ready !== true) {
    child.kill();
    throw new WorkerError(`${name} reported a repetition before it was ready.`);
  }
  return {
    name,
    ready: facts as unknown as ReadyReport,
    startSeconds,
    async repeat() {
      child.stdin.write('go\n');
      return (await nextReport()) as unknown as Repetition;
    },
    async close() {
      child.stdin.end();
      const limit = setTimeout(() => child.kill('SIGKILL'), CLOSE_MILLISECONDS);
      await ended;
      clearTimeout(limit);
    },
  };
}

/** The end of what a process said on standard error, from its last error on, in one line. */
function lastWords(lines: readonly string[]): string {
  const words = lines.filter((line) => !line.startsWith('at ')); // not the stack
  const error = words.findLastIndex((line) => /^\S*(Error|Exception)\b.*: /.test(line));
  const shown = error === -1 ? words.slice(-LINES_SHOWN) : words.slice(error, error + LINES_SHOWN);
  return shown.length === 0 ? '' : `: ${shown.join(' | ')}`;
}

/** A line of the protocol, `{"ready": true, …}` or `{"seconds": {…}, …}`; undefined for any other. */
export function parseReport(line: string): Record<string, unknown> | undefined {
  let value: Record<string, unknown> | null;
  try {
    value = JSON.parse(line) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  return 'ready' in value || 'seconds' in value ? value : undefined;
}
