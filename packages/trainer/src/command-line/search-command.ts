/** `loop-diffusion search`: the best settings, and what each of them does. */
import { basename, extname, join } from 'node:path';

import type { Command } from 'commander';

import { shellWord } from '../model-card/quoting';
import { writeSearchReport, searchTables } from '../search/report';
import {
  checkSearch,
  nameOf,
  openSearch,
  runSearch,
  settingsText,
  type RunSearchOptions,
} from '../search/run-search';
import { readDecisions, writeDecisions, type Decision } from '../search/search-folder';
import { readSearchFile, type SearchSettings } from '../search/search-file';
import { carryOutRun } from '../study/carry-out-run';
import type { DefaultsOf } from '../study/plan-run';
import { lockStudy } from '../study/study-folder';
import { iterationsIn, pilotOf } from '../study/pilot';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { textTable } from '../terminal/text-table';
import { counted, signedWithError } from '../terminal/words';
import type { CommandContext, CommonFlags } from './context';
import { untilInterrupted } from './interruption';
import { modelDefaults } from './model-settings';

export interface SearchFlags extends CommonFlags {
  readonly out?: string;
  readonly plan?: boolean;
}

export function addSearchFlags(command: Command): Command {
  return command
    .description('find the best settings, and what each of them does')
    .argument('<SEARCH.yaml>', 'the settings to be searched, and in how many runs')
    .option(
      '--out <folder>',
      "the search's folder (default: searches/ and the name of SEARCH.yaml)",
    )
    .option('--plan', 'say how the search would begin');
}

/** @returns the exit code */
export async function searchCommand(
  file: string,
  flags: SearchFlags,
  context: CommandContext,
): Promise<number> {
  const search = await readSearchFile(file);
  const folder = flags.out ?? join('searches', basename(file, extname(file)));
  openSearch(search);
  // Everything that can be wrong is told before anything is begun.
  const defaultsOf = modelDefaults(context, flags);
  await checkSearch(search, defaultsOf);
  const decisions = await readDecisions(folder, search);
  if (flags.plan === true) {
    sayPlan(search, decisions, flags, context);
    return 0;
  }
  return untilInterrupted(
    context,
    'Ending the run under way with a checkpoint; the same command goes on with the search. Press Ctrl-C again to exit at once.',
    async (signal) => {
      await carryOut({ search, file, folder, flags, context, defaultsOf }, signal);
      return 0;
    },
  );
}

interface Opened {
  readonly search: SearchSettings;
  readonly file: string;
  readonly folder: string;
  readonly defaultsOf: DefaultsOf;
  readonly flags: SearchFlags;
  readonly context: CommandContext;
}

async function carryOut(
  { search, file, folder, defaultsOf, flags, context }: Opened,
  signal: AbortSignal,
): Promise<void> {
  const { out, error } = context.output;
  const silent = flags.json === true || flags.quiet === true;
  const line = createLiveLine(silent ? { write: () => true } : error);
  const say = (text: string): void => {
    line.clear();
    if (flags.quiet !== true) error.write(`${text}\n`);
  };
  const unlock = lockStudy(folder, 'search');
  try {
    const decisions = await readDecisions(folder, search);
    writeDecisions(folder, search, decisions);
    say(
      `Search: ${folder}, ${counted(search.runs, 'run')}, ${String(decisions.length)} of them begun`,
    );
    const progress = createPhaseProgress();
    const total = search.runs + search.confirm;
    const about = {
      title: basename(file, extname(file)),
      command: `loop-diffusion search ${shellWord(file)}`,
    };
    const options: RunSearchOptions = {
      ...{ folder, decisions, signal, defaultsOf, launch: context.launchRun },
      iterationsOf: async (run, seconds, number) => {
        const own = join(folder, 'pilots', nameOf(number));
        const pilot = pilotOf(run, own, await defaultsOf(run.config.model));
        const recorded = await carryOutRun(pilot, { signal, launch: context.launchRun });
        return iterationsIn(seconds, recorded, run.variant);
      },
      onSearched: async (end) => {
        await writeSearchReport(folder, search, end, about);
      },
      onEvent: (run, done, { event }) => {
        if (event === 'iteration')
          line.show(`${progress.describe('search', done / total)} · ${run}`);
      },
      onRun: (run, number) => {
        const gain = run.gain
          ? signedWithError(run.gain.mean, run.gain.standardError)
          : `failed: ${run.failure ?? ''}`;
        say(
          `${String(number + 1)} of ${String(search.runs)}, to ${run.purpose}: ${settingsText(search, run)}: ${gain}`,
        );
      },
    };
    const end = await runSearch(search, options);
    line.clear();
    const found = await writeSearchReport(folder, search, end, about);
    for (const note of end.notes) error.write(`${note}\n`);
    if (flags.json === true) out.write(`${JSON.stringify({ out: folder, ...found })}\n`);
    else {
      const [best] = searchTables(search, end, found);
      if (best !== undefined) out.write(`${textTable(best.rows).join('\n')}\n`);
      if (flags.quiet !== true) {
        out.write(`Everything is in ${folder}; ${join(folder, 'report.html')} has the curves.\n`);
      }
    }
  } finally {
    line.clear();
    unlock();
  }
}

function sayPlan(
  search: SearchSettings,
  decisions: readonly Decision[],
  flags: SearchFlags,
  { output: { out } }: CommandContext,
): void {
  const plan = {
    runs: search.runs,
    begun: decisions.length,
    confirming: search.confirm,
    settings: Object.keys(search.settings),
  };
  out.write(
    flags.json === true
      ? `${JSON.stringify(plan)}\n`
      : `${counted(plan.runs, 'run')} over ${plan.settings.join(', ')}, ${String(plan.begun)} of them begun, and ${String(plan.confirming)} of the best setting on new seeds\n`,
  );
}
