/** `loop-diffusion` as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { workspaceRoot } from '../check/workspace';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said on standard error. */
  readonly errors: string;
}

export interface CommandProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

const cli = fileURLToPath(new URL('cli.ts', import.meta.url));

export interface StartOptions {
  /** That starts it, such as `['nice']`. */
  readonly program?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** @param args such as `['train', 'config.yaml']` */
export function startCommand(
  args: readonly string[],
  { program = [], environment = {} }: StartOptions = {},
): CommandProcess {
  const [first = '', ...rest] = [
    ...[...program, process.execPath],
    ...['-C', '@loop/source', '--import', 'tsx', cli, ...args],
  ];
  const child = spawn(first, rest, {
    cwd: workspaceRoot,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-20_000);
  });
  const ended = once(child, 'close').then((values) => {
    const [code, signal] = values as [number | null, NodeJS.Signals | null];
    return { code, signal, errors };
  });
  return { child, ended };
}
