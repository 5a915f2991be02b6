/** Several processes of this program on one machine that carry out a run together. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { readBegunRun } from '../comparison/read-run';
import { isRunFolder } from '../run-folder/run-folder';
import { ENDS_WITH_PARENT } from '../study/launch-run';
import { shareCores } from '../study/share-cores';
import { UserError } from '../user-error';
import { sayHowToGoOn } from './carry-out';
import type { CommandContext } from './context';
import { INTERRUPTED_EXIT_CODE, listenForInterruption, type EndMessage } from './interruption';
import { reportError } from './report-error';
import { createWorkerLog, type WorkerLog } from './worker-log';

export interface WorkersRequest {
  readonly count: number;
  readonly maxRestarts: number;
  /** That of the run, or of what they write, which the first of them makes. */
  readonly folder: string;
  /** How long they may take to end once they are told, before they are killed. */
  readonly patienceSeconds: number;
  /** What each is started with. */
  readonly args: readonly string[];
  /** What each is started with once there is a run to go on with. */
  readonly argsToGoOn: readonly string[];
}

interface WorkerEnd {
  readonly code: number;
  /** Undefined for one that ended by itself. */
  readonly killedBy: string | undefined;
}

/**
 * The first of them is what the user sees. Where one is killed the others end with a checkpoint, and all are started again.
 *
 * @returns the exit code
 */
export async function launchWorkers(
  request: WorkersRequest,
  context: CommandContext,
): Promise<number> {
  const { folder, count, maxRestarts } = request;
  const say = (text: string): void => {
    context.output.error.write(`${text}\n`);
  };
  const logs = Array.from({ length: count }, (_, rank) => createWorkerLog(folder, rank));
  const running = new Set<ChildProcess>();
  const interruption = listenForInterruption(
    {
      ...context,
      exit(code) {
        for (const child of running) child.kill('SIGKILL');
        context.exit(code);
      },
    },
    'Ending all workers; press Ctrl-C again to exit at once.',
  );
  const { signal } = interruption;
  try {
    let { args } = request;
    for (let restart = 1; ; restart += 1) {
      const ends = await startAll(request, args, { logs, running, signal });
      const first = ends[0]!.code;
      if (first === 0) return 0;
      for (const [rank, log] of logs.entries()) {
        const words = log.takeKept().trim();
        if (words !== '') say(`Worker ${String(rank)} said: ${words}`);
      }
      if (signal.reason instanceof UserError) {
        return reportError(signal.reason, context, false);
      }
      if (signal.aborted) return INTERRUPTED_EXIT_CODE;
      const killed = ends.findIndex(({ killedBy }) => killedBy !== undefined);
      if (killed === -1) return first;
      const what = `Worker ${String(killed)} was killed (${ends[killed]!.killedBy!})`;
      if (restart > maxRestarts) {
        say(
          maxRestarts === 0 ? `${what}.` : `${what}, and --max-restarts allows no further start.`,
        );
        sayHowToGoOn(folder, context);
        return 1;
      }
      if (isRunFolder(folder)) {
        if (await isDone(folder)) return 0;
        args = request.argsToGoOn;
      }
      say(`${what}: all are started again (${String(restart)} of ${String(maxRestarts)}).`);
    }
  } finally {
    interruption.release();
  }
}

/** One may be killed on its way out. */
async function isDone(folder: string): Promise<boolean> {
  const { summary } = await readBegunRun(folder);
  return summary?.interrupted === false;
}

/** How long one has to say to the others why it failed, which is more than that it did. */
const MILLISECONDS_TO_SAY_WHY = 5000;

interface Watch {
  readonly logs: readonly WorkerLog[];
  /** Holds those that have not ended. */
  readonly running: Set<ChildProcess>;
  readonly signal: AbortSignal;
}

async function startAll(
  { count, patienceSeconds }: WorkersRequest,
  args: readonly string[],
  { logs, running, signal }: Watch,
): Promise<WorkerEnd[]> {
  const workers = await freeAddresses(count);
  const children = workers.map((_, index) => startWorker(args, { workers, index }, logs[index]!));
  for (const child of children) running.add(child);
  const timers: NodeJS.Timeout[] = [];
  let isEnding = false;
  const endAll = (message: EndMessage): void => {
    if (isEnding) return;
    isEnding = true;
    // One may be gone before it is told.
    for (const child of running) if (child.connected) child.send(message, () => undefined);
    const killAll = (): void => {
      for (const child of running) child.kill('SIGKILL');
    };
    timers.push(setTimeout(killAll, patienceSeconds * 1000));
  };
  const interrupt = (): void => {
    endAll({ end: '' });
  };
  signal.addEventListener('abort', interrupt);
  if (signal.aborted) interrupt();
  try {
    return await Promise.all(
      children.map(async (child, rank) => {
        const end = await endOf(child);
        running.delete(child);
        if (end.code !== 0) {
          const how = end.killedBy === undefined ? 'ended' : `was killed (${end.killedBy})`;
          const tell = (): void => {
            endAll({ end: `Worker ${String(rank)} ${how}.` });
          };
          timers.push(setTimeout(tell, end.killedBy === undefined ? MILLISECONDS_TO_SAY_WHY : 0));
        }
        return end;
      }),
    );
  } finally {
    signal.removeEventListener('abort', interrupt);
    for (const timer of timers) clearTimeout(timer);
  }
}

function startWorker(
  args: readonly string[],
  { workers, index }: { readonly workers: readonly string[]; readonly index: number },
  log: WorkerLog,
): ChildProcess {
  const [program = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    // By the channel it notices when this process is gone.
    stdio:
      index === 0 ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      ...process.env,
      ...shareCores(workers.length),
      TF_CONFIG: JSON.stringify({ cluster: { worker: workers }, task: { type: 'worker', index } }),
      [ENDS_WITH_PARENT]: '1',
    },
    // Ctrl-C in a terminal is passed on from here, once.
    detached: process.platform !== 'win32',
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log.write(text);
    });
  }
  return child;
}

/** How long what a worker has said may take to come, which another process may keep from ending. */
const MILLISECONDS_OF_LAST_WORDS = 500;

async function endOf(child: ChildProcess): Promise<WorkerEnd> {
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  await Promise.race([closed, sleep(MILLISECONDS_OF_LAST_WORDS)]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return { code: code ?? 1, killedBy: signal ?? undefined };
}

/** Linux gives out ports from 32768 on by itself, so that nobody gets these until the workers listen. */
const [FIRST_PORT, LAST_PORT] = [12_000, 32_000];

/** Of this machine alone, and not taken at the moment. */
async function freeAddresses(count: number): Promise<string[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports].map((port) => `127.0.0.1:${String(port)}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
