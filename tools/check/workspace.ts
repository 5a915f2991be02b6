import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's root folder. */
export const workspaceRoot = fileURLToPath(new URL('../../', import.meta.url));

/** What the checks read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A publishable package of the workspace. */
export interface WorkspacePackage {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Every publishable package, by folder name. */
export function publicPackages(): WorkspacePackage[] {
  const packages = join(workspaceRoot, 'packages');
  return readdirSync(packages, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(packages, entry.name))
    .map((folder) => ({ folder, manifest: readManifest(folder) }))
    .filter(({ manifest }) => manifest.private !== true);
}

/** Reads `folder/package.json`. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The script behind a command that one of the workspace's dependencies brings, to be run by node itself. */
export function commandScript(packageName: string, command: string): string {
  const folder = join(workspaceRoot, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const script = typeof bin === 'string' ? bin : bin[command];
  if (script === undefined) throw new Error(`${packageName} has no command named ${command}.`);
  return join(folder, script);
}

export interface RunOptions {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Show the output as it comes; otherwise it is only collected. */
  readonly show?: boolean;
  /** Without one it may take as long as it takes: a busy machine is no failure. */
  readonly timeoutSeconds?: number;
}

export interface RunResult {
  /** Exit status; 1 when the command was killed. */
  readonly status: number;
  /** Standard output and error together. */
  readonly output: string;
}

/** Runs a program without a shell and without standard input. */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { folder = workspaceRoot, environment = {}, show = false, timeoutSeconds } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    });
    const chunks: Buffer[] = [];
    for (const [stream, echo] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ] as const) {
      stream.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (show) echo.write(chunk);
      });
    }
    child.on('error', reject);
    child.on('close', (status, signal) => {
      const killed =
        signal === null ? '' : `\nended by ${signal} (limit ${timeoutSeconds ?? 'no'} s)\n`;
      resolve({ status: status ?? 1, output: Buffer.concat(chunks).toString('utf8') + killed });
    });
  });
}

/** Runs a Node script, see {@link run}. */
export async function runNode(
  script: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<RunResult> {
  return run(process.execPath, [script, ...args], options);
}

/** Calls `task` on every item, at most `limit` at a time; results in the items' order. */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
