/**
 * Compares this project with Python on the same work, in turns, and says how many times as fast it is.
 *
 *   npm run bench                the quick cases, some minutes
 *   npm run bench:full           all of them
 *   npm run bench -- --help
 *
 * Every repetition goes into results.json, of which `npm run bench:report` makes docs/performance.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { workspaceRoot } from '../check/workspace';
import { cacheFolder } from './cache-folder';
import { benchCases, chooseCases, type BenchCase } from './cases';
import { workerCommand } from './commands';
import { compareCase, medianOf } from './compare';
import { provideModel } from './full-size-model';
import { describeMachine } from './machine';
import { parseBenchOptions, USAGE, type BenchOptions } from './options';
import { pythonWithPackages } from './python-environment';
import type { CaseResult, Results } from './results';
import { runCase, type RunnableCase } from './run-case';
import { formatQuantity, tableHead, tableRow } from './table';

const bench = fileURLToPath(new URL('.', import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions | 'help';
  let chosen: BenchCase[];
  try {
    options = parseBenchOptions(args);
    if (options === 'help') {
      console.log(USAGE);
      return 0;
    }
    const all = benchCases({
      ...options,
      promptFile: join(bench, 'prompts.txt'),
      modelCache: join(cacheFolder(process.env), 'bench-models'),
    });
    chosen = chooseCases(all, options.groups, options.only);
  } catch (error) {
    console.error(messageOf(error));
    return 2;
  }

  const python = await findPython();
  const machine = describeMachine();
  console.log(`${machine.processor}, ${machine.cores} cores, ${machine.memoryGigabytes} GB`);
  if (options.smoke) console.log('--smoke: the smallest sizes; the numbers mean nothing.');
  console.log(`\n${tableHead()}`);
  const done: CaseResult[] = [];
  for (const benchCase of chosen) {
    const result = await runCase(withCommands(benchCase, python), {
      rounds: options.rounds,
      folder: workspaceRoot,
      freeGigabytes: freemem() / 1e9,
      onProgress: (text) => showProgress(`${benchCase.name}: ${text}`),
    });
    showProgress('');
    say(result);
    done.push(result);
    // After every case, so that an interrupted run leaves what it has measured.
    const { device, rounds, smoke } = options;
    const date = new Date().toISOString();
    write(options.output, { date, machine, device, rounds, smoke, cases: done });
  }
  const failed = done.filter(({ failure }) => failure !== undefined);
  console.log(`\n${join(options.output, 'results.json')}: ${done.length} cases`);
  if (failed.length > 0) console.error(`failed: ${failed.map(({ name }) => name).join(', ')}`);
  return failed.length > 0 ? 1 : 0;
}

async function findPython(): Promise<string | undefined> {
  try {
    return await pythonWithPackages({
      requirements: join(bench, 'python', 'requirements.txt'),
      environment: process.env,
      onProgress: (text) => console.error(text),
    });
  } catch (error) {
    console.error(`No Python to compare with, so ours runs alone: ${messageOf(error)}`);
    return undefined;
  }
}

function withCommands(
  { workers, model, ...benchCase }: BenchCase,
  python: string | undefined,
): RunnableCase {
  return {
    ...benchCase,
    prepare: model && (() => provideModel(model, { onProgress: (text) => console.error(text) })),
    commands: workers.flatMap((worker) => workerCommand(worker, bench, python) ?? []),
  };
}

function say(result: CaseResult): void {
  if (result.failure !== undefined) {
    console.error(`failed  ${result.name}: ${result.failure}`);
    return;
  }
  const rows = compareCase(result);
  for (const row of rows) console.log(tableRow(row));
  const [ours] = result.workers;
  if (rows.length > 0 || ours === undefined) return;
  console.log(`        ${result.name}: ${formatQuantity(medianOf(ours, 'total'), 'total')}, alone`);
}

function write(output: string, results: Results): void {
  mkdirSync(output, { recursive: true });
  writeFileSync(join(output, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
}

/** One line that is overwritten, where somebody watches. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.exitCode = await main(process.argv.slice(2));
