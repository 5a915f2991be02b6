/** A comparison as a table for people: a column per run. */
import type { MeanWithError } from '../statistics';
import { evaluationKind } from '../run-folder/evaluation-words';
import { textTable } from '../terminal/text-table';
import { signedWithError, withError } from '../terminal/words';
import {
  SMOOTHED_ITERATIONS,
  type Comparison,
  type EvaluationScore,
  type RunFigures,
} from './compare-runs';

/** The first row is the head; the first cell of each row says what the others are. */
type Table = readonly (readonly string[])[];

const NONE = '–';
const WIDEST_CELL = 40;

/** For a terminal; wide cells are cut. */
export function comparisonText(comparison: Comparison): string {
  const lines = textTable(comparisonTable(comparison).map((row) => row.map(shortened)));
  return [...lines, ...comparison.notes].join('\n');
}

/** @param plot the file of the curves, relative to that of the Markdown */
export function comparisonMarkdown(comparison: Comparison, plot: string): string {
  const [head = [], ...rows] = comparisonTable(comparison).map((row) => row.map(escaped));
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    '# Comparison of runs',
    '',
    `![Curves](${plot})`,
    '',
    line(head),
    line(head.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...rows.map(line),
    '',
    ...comparison.notes.flatMap((note) => [note, '']),
  ].join('\n');
}

function comparisonTable({ runs, configuration }: Comparison): Table {
  const row = (name: string, cell: (run: Comparison['runs'][number]) => string) => [
    name,
    ...runs.map(cell),
  ];
  const phases = [...new Set(runs.flatMap(({ seconds }) => Object.keys(seconds.byPhase)))];
  return [
    row('', ({ name }) => name),
    row('state', ({ state }) => state),
    row(`reward, last ${String(SMOOTHED_ITERATIONS)} iterations`, (run) =>
      smoothedText(run.reward.final, run),
    ),
    row(`reward, best ${String(SMOOTHED_ITERATIONS)} iterations`, (run) =>
      smoothedText(run.reward.best, run),
    ),
    ...evaluationRows(runs).map(([name, cell]) => row(name, cell)),
    row('iterations', ({ iterations }) => String(iterations)),
    row('images', ({ images }) => String(images)),
    row('seconds', ({ seconds }) => seconds.total.toFixed(1)),
    ...phases.map((phase) =>
      row(`  ${phase}`, ({ seconds }) => seconds.byPhase[phase]?.toFixed(1) ?? NONE),
    ),
    ...(configuration.length > 0 ? [row('settings that differ', () => '')] : []),
    ...configuration.map(({ key, values }) => [`  ${key}`, ...values.map(valueText)]),
  ];
}

/** Those on held-out prompts apart from those on training prompts, which are no measure of the same. */
function evaluationRows(runs: readonly RunFigures[]): [string, (run: RunFigures) => string][] {
  const kinds = [...new Set(runs.map(({ evaluation }) => evaluation.trainedOn))].sort();
  return kinds.flatMap((trainedOn): ReturnType<typeof evaluationRows> => {
    const kind = evaluationKind({ trainedOn });
    const cell = (text: (run: RunFigures) => string) => (run: RunFigures) =>
      run.evaluation.trainedOn === trainedOn ? text(run) : NONE;
    return [
      [`${kind} before`, cell(({ evaluation }) => scoreText(evaluation.before, 0))],
      [
        `${kind} after`,
        cell(({ evaluation, iterations }) => scoreText(evaluation.after, iterations)),
      ],
      [`${kind} gain`, cell(({ evaluation }) => gainText(evaluation.gain))],
    ];
  });
}

/** Says of how many iterations it is the mean where the run has fewer than others are smoothed over. */
function smoothedText(value: number, { iterations }: RunFigures): string {
  const short = iterations > 0 && iterations < SMOOTHED_ITERATIONS;
  return `${decimal(value)}${short ? ` (of ${String(iterations)})` : ''}`;
}

/** @param expected the iteration where such an evaluation is made; another one is named */
function scoreText(score: EvaluationScore | undefined, expected: number): string {
  if (score === undefined) return NONE;
  const when = score.iteration === expected ? '' : ` (iteration ${String(score.iteration)})`;
  return `${withError(score.mean, score.standardError)}${when}`;
}

function gainText(gain: MeanWithError | undefined): string {
  return gain === undefined ? NONE : signedWithError(gain.mean, gain.standardError);
}

function decimal(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : NONE;
}

function valueText(value: unknown): string {
  if (value === undefined) return NONE;
  return (typeof value === 'string' ? value : JSON.stringify(value)).replace(/\p{Cc}/gu, ' ');
}

function shortened(cell: string): string {
  return cell.length > WIDEST_CELL ? `${cell.slice(0, WIDEST_CELL - 1)}…` : cell;
}

/** Names of runs and values of keys are texts, whatever they look like. */
function escaped(cell: string): string {
  return cell.replace(/^ {2}/, '').replace(/[\\|`*_<>[\]&]/g, '\\$&');
}
