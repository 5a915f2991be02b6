/** What a study leaves beside its runs. */
import { join } from 'node:path';

import { writeFileAtomically } from '../files/write-atomically';
import { readRunPrompts } from '../prompts/prompt-sources';
import { plotSvg } from '../tracking/plot';
import { svgToPng } from '../tracking/svg-to-png';
import { outcomeOf, type Outcome } from './outcome';
import type { PlannedRun } from './plan-run';
import type { StudyPlan } from './plan-study';
import { curvesCsv, tableCsv, timesCsv } from './report/csv';
import { reportHtml } from './report/html';
import { reportMarkdown, type StudyReport } from './report/markdown';
import { variantsPicture } from './report/pictures';
import { MOST_COLOURS, studySpec } from './report/plot';
import { studyTables } from './report/tables';
import type { FinishedRun } from './run-study';
import { summarizeStudy, type StudySummary } from './summary';

export interface ReportRequest {
  readonly folder: string;
  readonly title: string;
  readonly command: string;
  readonly plan: StudyPlan;
  readonly finished: readonly FinishedRun[];
  /** Sentences on runs that failed. */
  readonly failures: readonly string[];
  readonly reference: string;
  readonly reach: readonly number[];
}

/** The table of runs, of those that are done. It is written after each of them. */
export function writeTable(folder: string, finished: readonly FinishedRun[]): void {
  const outcomes = finished.map(outcomeOf);
  writeFileAtomically(join(folder, 'table.csv'), tableCsv(outcomes));
  writeFileAtomically(join(folder, 'curves.csv'), curvesCsv(outcomes));
  writeFileAtomically(join(folder, 'times.csv'), timesCsv(outcomes));
}

/** Tables, `summary.json`, `report.md`, `report.html` and the drawings. */
export async function writeReport(request: ReportRequest): Promise<StudySummary> {
  const { folder, plan, finished, reference, reach } = request;
  writeTable(folder, finished);
  const outcomes = finished.map(outcomeOf);
  const summary = summarizeStudy(
    outcomes,
    plan.variants,
    reach,
    !differing(plan.runs).has('held-out prompts'),
  );
  writeFileAtomically(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  const report: StudyReport = {
    title: request.title,
    command: request.command,
    tables: studyTables(summary, outcomes, reference),
    notes: notesOn(request, outcomes),
  };
  const svg = await plotSvg(studySpec(summary, outcomes));
  writeFileAtomically(join(folder, 'curves.png'), await svgToPng(svg, { scale: 1.5 }));
  const picture = await pictureOf(plan, finished);
  const pictures = [
    { file: 'curves.png', shows: 'Curves, final rewards and performance profiles' },
  ];
  if (picture !== undefined) {
    writeFileAtomically(join(folder, 'pictures.png'), picture);
    pictures.push({ file: 'pictures.png', shows: 'What each variant draws' });
  }
  writeFileAtomically(join(folder, 'report.md'), reportMarkdown(report, pictures));
  writeFileAtomically(join(folder, 'report.html'), reportHtml(report, svg, picture));
  return summary;
}

/** Of what a failed run said. */
const MOST_CHARACTERS = 400;

function notesOn({ plan, failures }: ReportRequest, outcomes: readonly Outcome[]): string[] {
  const missing = plan.runs.length - outcomes.length;
  const keys = differing(plan.runs);
  const notes = failures.map((failure) => failure.replace(/\s+/g, ' ').slice(0, MOST_CHARACTERS));
  if (missing > 0) {
    notes.push(
      `${String(outcomes.length)} of ${String(plan.runs.length)} runs are done; figures are of these.`,
    );
  }
  if (keys.has('rewards')) {
    notes.push('The variants have different rewards, whose values are not on one scale.');
  }
  if (keys.has('held-out prompts')) {
    notes.push(
      'The variants are evaluated on different prompts, so that they are not compared in pairs.',
    );
  }
  if (keys.has('evaluate') || keys.has('evaluation setting')) {
    notes.push(
      'The variants are evaluated with different settings, which is part of what is compared.',
    );
  }
  if (plan.variants.length > MOST_COLOURS) {
    notes.push(`Of more than ${String(MOST_COLOURS)} variants some have the same colour.`);
  }
  const alone = plan.variants.filter(
    (name) => outcomes.filter(({ variant }) => variant === name).length === 1,
  );
  if (alone.length > 0) {
    notes.push(
      `Of ${alone.join(', ')} there is one seed alone: the intervals say nothing about another.`,
    );
  }
  return notes;
}

function differing(runs: readonly PlannedRun[]): Set<string> {
  const values = (pick: (run: PlannedRun) => unknown) =>
    new Set(runs.map((run) => JSON.stringify(pick(run)))).size;
  const found = new Set<string>();
  if (values(({ config }) => config.rewards) > 1) found.add('rewards');
  if (values(({ config }) => config.evaluate) > 1) found.add('evaluate');
  const prompts = ({ config: { prompts, evaluate } }: PlannedRun) => [
    ...[evaluate.prompts, evaluate.images, evaluate.heldOutFraction],
    evaluate.prompts === prompts,
  ];
  if (values(prompts) > 1) found.add('held-out prompts');
  const setting = ({ config: { evaluate, sampler } }: PlannedRun) => [
    evaluate.steps ?? sampler.steps,
    evaluate.eta ?? sampler.eta,
    evaluate.guidance ?? sampler.guidance,
  ];
  if (values(setting) > 1) found.add('evaluation setting');
  return found;
}

/** Of the first seed that every variant has. */
async function pictureOf(
  plan: StudyPlan,
  finished: readonly FinishedRun[],
): Promise<Uint8Array | undefined> {
  const [first] = finished;
  if (first === undefined) return undefined;
  const ofSeed = finished.filter(({ run }) => run.seed === first.run.seed);
  const { config } = first.run;
  const { evaluation } = await readRunPrompts(
    {
      training: config.prompts,
      evaluation: config.evaluate.prompts,
      heldOutFraction: config.evaluate.heldOutFraction,
    },
    Math.max(config.evaluate.images, config.samples.count),
  );
  const runs = plan.variants.flatMap((name) => {
    const found = ofSeed.find(({ run }) => run.variant === name);
    return found === undefined ? [] : [{ label: name, folder: found.run.folder }];
  });
  const prompts = evaluation.slice(0, config.samples.count).map(({ text }) => text);
  return variantsPicture(runs.slice(0, MOST_COLOURS), prompts);
}
