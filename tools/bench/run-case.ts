/** Runs the workers of a case in turns. */
import { setTimeout } from 'node:timers/promises';

import type { CaseResult, KeptRepetition, Repetition, WorkerResult } from './results';
import { startWorker, type WorkerCommand, type WorkerProcess } from './worker-process';

/** A case with the commands of its workers. */
export interface RunnableCase extends Omit<CaseResult, 'workers' | 'failure'> {
  /** The first is ours. */
  readonly commands: readonly WorkerCommand[];
  /** Each repetition is a process of its own, and what is measured is its start. */
  readonly measuresStart: boolean;
  /** The most that one of its workers takes, in 10⁹ bytes; nothing to speak of where it is left out. */
  readonly gigabytesEach?: number | undefined;
  /** Called before the first worker starts; where it fails, so does the case. */
  readonly prepare?: (() => Promise<void>) | undefined;
}

export interface RunCaseOptions {
  /** Repetitions of each worker that count. */
  readonly rounds: number;
  /** Where the workers run. */
  readonly folder: string;
  /** Memory that all workers of a case may take together. */
  readonly freeGigabytes?: number | undefined;
  /** Called before each repetition. */
  readonly onProgress?: (text: string) => void;
}

/** A pool's idle threads keep spinning for a moment, and would slow down whoever comes next. */
const PAUSE_MILLISECONDS = 300;

/** Policies further off than this are not the same. */
const LARGEST_DEVIATION = 1e-4;

/**
 * Measures A B A B …, so that a drift of the machine meets all alike. The first round is a warm-up and is not kept. Rivals
 * that do not all fit into memory come one after the other: A B A B …, then A C A C …. A worker that fails ends the case, not
 * the run.
 */
export async function runCase(
  { commands, measuresStart, gigabytesEach = 0, prepare, ...about }: RunnableCase,
  options: RunCaseOptions,
): Promise<CaseResult> {
  try {
    await prepare?.();
    const workers = await (measuresStart
      ? measureStarts(commands, options)
      : measureInHeats(heatsOf(commands, gigabytesEach, options), options));
    for (const { name, onPolicyDeviation = 0 } of workers) {
      if (onPolicyDeviation < LARGEST_DEVIATION) continue;
      throw new Error(
        `${name} learns with another policy than it sampled with: |ratio − 1| reaches ${onPolicyDeviation}, it must stay below ${LARGEST_DEVIATION}`,
      );
    }
    return { ...about, workers };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { ...about, workers: [], failure };
  }
}

/** Who runs at the same time: all of them where there is room, otherwise ours with one of the others. */
function heatsOf(
  commands: readonly WorkerCommand[],
  gigabytesEach: number,
  { freeGigabytes = Infinity }: RunCaseOptions,
): (readonly WorkerCommand[])[] {
  const [ours, ...rivals] = commands;
  if (ours === undefined || rivals.length < 2) return [commands];
  if (commands.length * gigabytesEach <= freeGigabytes) return [commands];
  return rivals.map((rival) => [ours, rival]);
}

async function measureInHeats(
  heats: readonly (readonly WorkerCommand[])[],
  options: RunCaseOptions,
): Promise<WorkerResult[]> {
  const joined = new Map<string, WorkerResult>();
  for (const [heat, commands] of heats.entries()) {
    for (const worker of await measureInTurns(commands, options, heat * options.rounds)) {
      joined.set(worker.name, joinHeats(joined.get(worker.name), worker));
    }
  }
  return [...joined.values()];
}

function joinHeats(earlier: WorkerResult | undefined, worker: WorkerResult): WorkerResult {
  if (earlier === undefined) return worker;
  const deviations = [earlier, worker].flatMap(({ onPolicyDeviation }) => onPolicyDeviation ?? []);
  return {
    ...earlier,
    onPolicyDeviation: deviations.length === 0 ? undefined : Math.max(...deviations),
    repetitions: [...earlier.repetitions, ...worker.repetitions],
  };
}

/** @param roundsBefore of other heats */
async function measureInTurns(
  commands: readonly WorkerCommand[],
  options: RunCaseOptions,
  roundsBefore: number,
): Promise<WorkerResult[]> {
  const workers: WorkerProcess[] = [];
  try {
    // One after the other: two that start together would wait for each other's work.
    for (const command of commands) {
      options.onProgress?.(`starting ${command.name}`);
      workers.push(await startWorker(command, options.folder));
    }
    const repetitions = await alternate(
      workers,
      options,
      (worker) => worker.repeat(),
      roundsBefore,
    );
    return workers.map(({ name, ready, startSeconds }, index) => {
      const { versions, onPolicyDeviation } = ready;
      return {
        ...{ name, versions, onPolicyDeviation, startSeconds },
        repetitions: repetitions[index] ?? [],
      };
    });
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

async function measureStarts(
  commands: readonly WorkerCommand[],
  options: RunCaseOptions,
): Promise<WorkerResult[]> {
  const versions: Record<string, string>[] = commands.map(() => ({}));
  const repetitions = await alternate(commands, options, async (command, index) => {
    const worker = await startWorker(command, options.folder);
    await worker.close();
    Object.assign(versions[index]!, worker.ready.versions);
    const { peakMegabytes } = worker.ready;
    return { seconds: { total: worker.startSeconds }, peakMegabytes };
  });
  return commands.map(({ name }, index) => {
    const kept = repetitions[index] ?? [];
    const startSeconds = kept[0]?.seconds['total'] ?? 0;
    return { name, versions: versions[index]!, startSeconds, repetitions: kept };
  });
}

/** Repetitions of each item, without the first round's. */
async function alternate<Item extends { readonly name: string }>(
  items: readonly Item[],
  { rounds, onProgress }: RunCaseOptions,
  measure: (item: Item, index: number) => Promise<Repetition>,
  roundsBefore = 0,
): Promise<KeptRepetition[][]> {
  const kept: KeptRepetition[][] = items.map(() => []);
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, item] of items.entries()) {
      onProgress?.(`${round === 0 ? 'warm-up' : `round ${round} of ${rounds}`}, ${item.name}`);
      await setTimeout(PAUSE_MILLISECONDS);
      const repetition = await measure(item, index);
      if (round > 0) kept[index]!.push({ ...repetition, round: roundsBefore + round });
    }
  }
  return kept;
}
