/** Variances of gradients as a table for people: a row per estimator. */
import { textTable } from '../terminal/text-table';
import { figure } from '../terminal/words';
import type { Estimate } from './bootstrap';
import type { EstimatorVariance, GradientVariance } from './gradient-variance';

/** What was measured, in words. */
export interface MeasuredPolicy {
  readonly run: string;
  /** Such as `after 25 iterations`. */
  readonly policy: string;
}

const NONE = '–';

const COLUMNS: readonly (readonly [head: string, cell: (row: EstimatorVariance) => string])[] = [
  ['estimator', ({ estimator }) => estimator],
  ['k', ({ k }) => (k === null ? NONE : String(k))],
  ['variance per image', ({ variance }) => figure(variance.value)],
  ['of REINFORCE', ({ relative }) => withInterval(relative)],
  ['theory', ({ theory }) => decimals(theory?.relative)],
  ['measured / theory', ({ toTheory }) => withInterval(toTheory)],
  ['from rewards alone', ({ fromRewards }) => decimals(fromRewards)],
  ['with prompts', ({ withPrompts }) => withInterval(withPrompts)],
  ['at equal length', ({ atEqualLength }) => withInterval(atEqualLength)],
];

/** For a terminal. */
export function varianceText(variance: GradientVariance, policy: MeasuredPolicy): string {
  return [...textTable(tableOf(variance)), '', ...sentences(variance, policy)].join('\n');
}

/** @param plot the file of the plot, relative to that of the Markdown */
export function varianceMarkdown(
  variance: GradientVariance,
  policy: MeasuredPolicy,
  plot: string,
): string {
  const [head = [], ...rows] = tableOf(variance);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    '# Variance of the policy gradient',
    '',
    ...sentences(variance, policy).flatMap((sentence) => [escaped(sentence), '']),
    `![Variance by estimator](${plot})`,
    '',
    line(head),
    line(head.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...rows.map(line),
    '',
  ].join('\n');
}

function tableOf({ estimators }: GradientVariance): string[][] {
  return [
    COLUMNS.map(([head]) => head),
    ...estimators.map((row) => COLUMNS.map(([, cell]) => cell(row))),
  ];
}

function sentences(
  { prompts, images, reward, gradient, betweenPrompts, meanScore }: GradientVariance,
  { run, policy }: MeasuredPolicy,
): string[] {
  return [
    `${run}, ${policy}: ${String(prompts)} prompts, ${String(images)} images of each. Intervals are 95 %, over prompts.`,
    `Reward ${figure(reward.mean)}, variance within a prompt ${figure(reward.variance)}, between prompts ${figure(reward.betweenPrompts)}.`,
    `Squared norm of the gradient ${figureWithInterval(gradient)}; variance between prompts ${figureWithInterval(betweenPrompts)}.`,
    `The square of the mean score vector, 0 in theory, is ${figureWithInterval(meanScore)} of the mean square.`,
  ];
}

function withInterval(estimate: Estimate | null): string {
  if (estimate === null || !Number.isFinite(estimate.value)) return NONE;
  const { value, low, high } = estimate;
  return `${decimals(value)} (${decimals(low)} to ${decimals(high)})`;
}

function figureWithInterval({ value, low, high }: Estimate): string {
  return `${figure(value)} (${figure(low)} to ${figure(high)})`;
}

function decimals(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? NONE : value.toFixed(3);
}

/** The folder's name is a text, whatever it looks like. */
function escaped(text: string): string {
  return text.replace(/[\\|`*_<>[\]&]/g, '\\$&');
}
