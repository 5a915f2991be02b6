/** `loop-diffusion study`: variants and seeds of a run, compared with statistics that hold. */
import { basename, dirname, extname, join } from 'node:path';

import type { Command } from 'commander';

import { shellWord } from '../model-card/quoting';
import { forecast, type RunForecast, type States } from '../study/forecast';
import { iterationsIn, pilotOf } from '../study/pilot';
import { outcomeOf } from '../study/outcome';
import type { PlannedRun } from '../study/plan-run';
import { planStudy, type StudyPlan } from '../study/plan-study';
import { powerTable, type PowerRow } from '../study/power-table';
import { finalTable, type StudyTable } from '../study/report/tables';
import { stateOfRun } from '../study/run-state';
import { runStudy, type FinishedRun, type StudyEnd } from '../study/run-study';
import { carryOutRun } from '../study/carry-out-run';
import { checkPrompts } from '../study/check-prompts';
import {
  checkFolderKind,
  checkStudyFolder,
  lockStudy,
  writeStudyFile,
} from '../study/study-folder';
import { readStudyFile, type StudySettings } from '../study/study-file';
import { writeReport, writeTable } from '../study/write-report';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { textTable } from '../terminal/text-table';
import { counted, durationInWords } from '../terminal/words';
import { UsageError } from '../usage-error';
import { UserError } from '../user-error';
import type { CommandContext, CommonFlags } from './context';
import { untilInterrupted } from './interruption';
import { modelDefaults } from './model-settings';
import { realNumberFlag, wholeNumberFlag } from './numbers';

export interface StudyFlags extends CommonFlags {
  readonly out?: string;
  readonly parallel: number;
  readonly plan?: boolean;
  readonly report?: boolean;
  readonly power?: number;
}

export function addStudyFlags(command: Command): Command {
  return command
    .description('carry out runs of several variants and seeds, and compare them')
    .argument('<STUDY.yaml>', 'what is varied, and how often')
    .option('--out <folder>', "the study's folder (default: studies/ and the name of STUDY.yaml)")
    .option('--parallel <n>', 'runs at a time', wholeNumberFlag(1, 256), 1)
    .option('--plan', 'say what would be carried out, and how long it takes')
    .option('--report', 'make the report of the runs that are done, and carry out none')
    .option(
      '--power <difference>',
      'say how many seeds it takes to see such a difference, from the runs that are done',
      realNumberFlag(1e-9, 1e9),
    );
}

/** @returns the exit code */
export async function studyCommand(
  file: string,
  flags: StudyFlags,
  context: CommandContext,
): Promise<number> {
  const only = [flags.plan, flags.report, flags.power].filter((flag) => flag !== undefined);
  if (only.length > 1) {
    throw new UsageError('Of --plan, --report and --power one can be given');
  }
  const study = await readStudyFile(file);
  const folder = flags.out ?? join('studies', basename(file, extname(file)));
  return untilInterrupted(
    context,
    'Ending the runs under way with a checkpoint; the same command goes on with the study. Press Ctrl-C again to exit at once.',
    (signal) => {
      const opened: Opened = { study, file, folder, flags, context, signal };
      return only.length > 0 ? withoutRuns(opened) : carryOut(opened);
    },
  );
}

interface Opened {
  readonly study: StudySettings;
  readonly file: string;
  readonly folder: string;
  readonly flags: StudyFlags;
  readonly context: CommandContext;
  readonly signal: AbortSignal;
}

/** `--plan`, `--report` and `--power`. */
async function withoutRuns(opened: Opened): Promise<number> {
  const { flags, context, study, folder } = opened;
  checkFolderKind(folder, 'study');
  const plan = await planOf(opened, async (pilot, seconds) => {
    const found = await stateOfRun(pilot);
    if (found.state === 'done') return iterationsIn(seconds, found.recorded, pilot.variant);
    throw new UserError(
      `How many iterations of '${pilot.variant}' the budget is enough for is measured by a run of three, which was not made yet; begin the study, or give the budget in images`,
    );
  });
  checkStudyFolder(folder, plan);
  const states = await statesOf(plan);
  const { out } = context.output;
  if (flags.plan === true) {
    await checkPrompts(plan.runs);
    const rows = forecast(plan, states);
    out.write(flags.json === true ? `${JSON.stringify(rows)}\n` : planText(rows));
    return 0;
  }
  const finished = finishedIn(plan, states);
  if (finished.length === 0) throw new UserError(`No run of the study in '${folder}' is done yet`);
  const reference = referenceOf(study, plan);
  if (flags.power !== undefined) {
    const rows = powerTable(finished.map(outcomeOf), reference, flags.power);
    out.write(
      flags.json === true ? `${JSON.stringify(rows)}\n` : tableText(powerRows(rows, flags.power)),
    );
    return 0;
  }
  await report(opened, plan, { finished, failures: [] });
  return 0;
}

async function carryOut(opened: Opened): Promise<number> {
  const { study, folder, flags, context, signal } = opened;
  const { error } = context.output;
  const line = createLiveLine(
    flags.json === true || flags.quiet === true ? { write: () => true } : error,
  );
  const say = (text: string): void => {
    line.clear();
    if (flags.quiet !== true) error.write(`${text}\n`);
  };
  let unlock: (() => void) | undefined;
  try {
    // Everything that can be wrong with the study is told before anything is begun.
    checkFolderKind(folder, 'study');
    const plan = await planOf(opened, async (pilot, seconds) => {
      unlock ??= lockStudy(folder, 'study');
      line.show(`Measuring how long an iteration of '${pilot.variant}' takes`);
      const recorded = await carryOutRun(pilot, { launch: context.launchRun, signal });
      return iterationsIn(seconds, recorded, pilot.variant);
    });
    await checkPrompts(plan.runs);
    checkStudyFolder(folder, plan);
    unlock ??= lockStudy(folder, 'study');
    const states = await statesOf(plan);
    const done = finishedIn(plan, states);
    writeStudyFile(folder, study);
    say(
      `Study: ${folder}, ${counted(plan.runs.length, 'run')}${done.length > 0 ? `, ${String(done.length)} of them done` : ''}`,
    );
    const progress = createPhaseProgress();
    const end = await runStudy(plan, {
      ...{ launch: context.launchRun, parallel: flags.parallel, signal },
      done,
      onProgress: (fraction, runs) => {
        line.show(`${progress.describe('study', fraction)} · ${runs.join(' · ')}`);
      },
      onRun: (finished, all) => {
        writeTable(folder, all);
        say(`${endText(finished)} (${String(all.length)} of ${String(plan.runs.length)})`);
      },
    });
    line.clear();
    await report(opened, plan, end);
    for (const failure of end.failures) error.write(`${failure}\n`);
    return end.failures.length > 0 ? 1 : 0;
  } finally {
    line.clear();
    unlock?.();
  }
}

async function planOf(
  { study, folder, context, flags }: Opened,
  iterationsOf: (pilot: PlannedRun, seconds: number) => Promise<number>,
): Promise<StudyPlan> {
  const defaultsOf = modelDefaults(context, flags);
  return planStudy(study, {
    ...{ folder, defaultsOf },
    iterationsOf: async (run, seconds) => {
      const own = join(folder, 'pilots', basename(dirname(run.folder)));
      return iterationsOf(pilotOf(run, own, await defaultsOf(run.config.model)), seconds);
    },
  });
}

async function statesOf({ runs }: StudyPlan): Promise<States> {
  const states = new Map<PlannedRun, Awaited<ReturnType<typeof stateOfRun>>>();
  for (const run of runs) states.set(run, await stateOfRun(run));
  return states;
}

function finishedIn({ runs }: StudyPlan, states: States): FinishedRun[] {
  return runs.flatMap((run) => {
    const state = states.get(run);
    return state?.state === 'done' ? [{ run, recorded: state.recorded }] : [];
  });
}

function referenceOf({ reference }: StudySettings, { variants }: StudyPlan): string {
  return reference ?? variants[0] ?? '';
}

async function report(opened: Opened, plan: StudyPlan, end: StudyEnd): Promise<void> {
  const { study, folder, flags, context, file } = opened;
  if (end.finished.length === 0) return;
  const reference = referenceOf(study, plan);
  const summary = await writeReport({
    ...{ folder, plan, reference, ...end },
    title: basename(file, extname(file)),
    command: `loop-diffusion study ${shellWord(file)}`,
    reach: study.reach,
  });
  const { out } = context.output;
  if (flags.json === true) out.write(`${JSON.stringify({ out: folder, ...summary })}\n`);
  else {
    out.write(tableText(finalTable(summary, reference)));
    if (flags.quiet !== true)
      out.write(`Everything is in ${folder}; ${join(folder, 'report.html')} has pictures.\n`);
  }
}

function planText(rows: readonly RunForecast[]): string {
  const left = rows.filter(({ done, iterations }) => done < iterations);
  const seconds = left.map((row) => row.seconds);
  const time = seconds.every((each) => each !== undefined)
    ? durationInWords(seconds.reduce((sum, each) => sum + each, 0))
    : 'unknown until one run is done';
  return (
    tableText({
      rows: [
        ['variant', 'seed', 'iterations', 'images', 'done', 'time left'],
        ...rows.map((row) => [
          ...[row.variant, String(row.seed), String(row.iterations), String(row.images)],
          ...[String(row.done), row.seconds === undefined ? '?' : durationInWords(row.seconds)],
        ]),
      ],
    }) + `${counted(left.length, 'run')} to carry out, one after the other: ${time}\n`
  );
}

function powerRows(rows: readonly PowerRow[], effect: number): Pick<StudyTable, 'rows'> {
  const images = rows[0]?.needed.map((one) => one.images) ?? [];
  return {
    rows: [
      [
        `a difference of ${String(effect)}`,
        ...['SE now', 'σ of seeds', 'σ of prompts', 'σ of the rest'],
        ...images.map((count) => `seeds with ${String(count)} images`),
      ],
      ...rows.map(({ left, right, components, needed, standardError }) => [
        `${left} − ${right}`,
        ...[
          standardError,
          ...[components.seed, components.image, components.rest].map(Math.sqrt),
        ].map((value) => value.toFixed(4)),
        ...needed.map(({ seeds }) => (Number.isFinite(seeds) ? String(seeds) : 'more images')),
      ]),
    ],
  };
}

/** A run's line when it is done. */
function endText(finished: FinishedRun): string {
  const { variant, seed, evaluations, total } = outcomeOf(finished);
  const name = `${variant}, seed ${String(seed)}`;
  const before = evaluations[0]?.record;
  const after = evaluations.at(-1)?.record;
  const gain =
    before === undefined || after === undefined
      ? 'done'
      : `${before.mean.toFixed(3)} → ${after.mean.toFixed(3)}`;
  return `${name}: ${gain}, ${durationInWords(total.seconds)} of training`;
}

function tableText({ rows }: Pick<StudyTable, 'rows'>): string {
  return `${textTable(rows).join('\n')}\n`;
}
