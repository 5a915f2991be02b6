/** A run in a process of its own: what ends it does not end the study, and several can go on side by side. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import type { RunEvent } from '../run-folder/event-log';

/** Set for a run whose process is to end, with a checkpoint, when the one that started it is gone. */
export const ENDS_WITH_PARENT = 'LOOP_DIFFUSION_ENDS_WITH_PARENT';

export interface LaunchOptions {
  /** Told every event of the run as it is recorded. */
  readonly onEvent: (event: RunEvent) => void;
  /** When aborted, the run is asked to end with a checkpoint. */
  readonly signal: AbortSignal;
  /** Added to the process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RunEnd {
  /** As a shell would have it. */
  readonly code: number;
  /** The last lines that it wrote to its standard error. */
  readonly said: string;
}

/** @param args of the command line, such as `['resume', 'runs/one']` */
export type LaunchRun = (args: readonly string[], options: LaunchOptions) => Promise<RunEnd>;

const KEPT_CHARACTERS = 4000;
const KILLED = 128;

/** Runs this program again, with other arguments. */
export const launchRun: LaunchRun = (args, { onEvent, signal, environment }) =>
  new Promise((resolve, reject) => {
    const [program = ''] = process.argv.slice(1);
    const child = spawn(
      process.execPath,
      [...process.execArgv, program, ...args, '--json', '--quiet'],
      {
        // By the channel it notices when this process is gone.
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        env: { ...process.env, ...environment, [ENDS_WITH_PARENT]: '1' },
        // Ctrl-C in a terminal is passed on from here, once.
        detached: process.platform !== 'win32',
      },
    );
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT_CHARACTERS);
    });
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const event = eventIn(line);
      if (event !== undefined) onEvent(event);
    });
    const interrupt = () => child.kill('SIGINT');
    signal.addEventListener('abort', interrupt);
    child.once('error', reject);
    child.once('close', (code, ending) => {
      signal.removeEventListener('abort', interrupt);
      resolve({ code: code ?? (ending === null ? 1 : KILLED), said });
    });
    if (signal.aborted) interrupt();
  });

function eventIn(line: string): RunEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isEvent = typeof value === 'object' && value !== null && 'event' in value;
    return isEvent ? (value as RunEvent) : undefined;
  } catch {
    // A reward may print what it likes.
    return undefined;
  }
}
