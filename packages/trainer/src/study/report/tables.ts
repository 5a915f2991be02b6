/** A study's tables as rows of cells, for Markdown, HTML and the terminal. */
import { durationInWords, figure, percent, signed } from '../../terminal/words';
import type { Outcome } from '../outcome';
import type { Estimate, StudySummary } from '../summary';

/** The first row is the head; the first cell of each row says what the others are. */
export interface StudyTable {
  readonly title: string;
  readonly about: string;
  readonly rows: readonly (readonly string[])[];
}

const NONE = '–';

export function studyTables(
  summary: StudySummary,
  outcomes: readonly Outcome[],
  reference: string,
): StudyTable[] {
  return [
    finalTable(summary, reference),
    familyTable(summary),
    costTable(summary, outcomes),
    winTable(summary),
  ].filter(({ rows }) => rows.length > 1);
}

/** The one that a terminal shows, too. */
export function finalTable(summary: StudySummary, reference: string): StudyTable {
  const { variants, seeds, images, before } = summary;
  const several = variants.length > 1;
  return {
    title: 'Held-out reward at the end',
    about:
      `Means over ${String(seeds.length)} seeds and ${String(images)} held-out images, ${inBrackets('95 % intervals')} by ` +
      `a bootstrap over seeds and prompts together. Before training: ${estimateText(before)}.`,
    rows: [
      [
        ...['variant', 'seeds', 'mean', 'interquartile mean', 'gain'],
        ...(several ? [`difference from ${reference}`, `beats ${reference}`] : []),
      ],
      ...variants.map(({ name, seeds: count, mean, interquartileMean, gain }) => {
        const pair = pairOf(summary, name, reference);
        return [
          ...[name, String(count), estimateText(mean), estimateText(interquartileMean)],
          gainText(gain),
          ...(several
            ? [pair === undefined ? NONE : gainText(pair.difference), winText(pair?.win)]
            : []),
        ];
      }),
    ],
  };
}

function familyTable({ variants }: StudySummary): StudyTable {
  const families = variants[0]?.families ?? [];
  const rows = variants.map(({ name, families: means }) => [name, ...means.map(estimateText)]);
  return {
    title: 'By family of prompts',
    about: 'Held-out reward at the end.',
    rows:
      families.length === 0 ? [] : [['variant', ...families.map(({ family }) => family)], ...rows],
  };
}

function costTable({ variants }: StudySummary, outcomes: readonly Outcome[]): StudyTable {
  const goals = variants[0]?.reached.map(({ reward }) => reward) ?? [];
  const of = (name: string) => outcomes.filter(({ variant }) => variant === name);
  const middle = (values: readonly number[]): number =>
    [...values].sort((left, right) => left - right)[Math.floor((values.length - 1) / 2)] ??
    Number.NaN;
  return {
    title: 'How fast',
    about:
      'Height: the mean of the held-out curve over images. To reach a reward: the middle seed, straight lines between evaluations; ' +
      `${NONE} where half of the seeds or fewer reach it. A pass is the UNet's over one latent, a gradient counts as three. ` +
      'Seconds are of training alone, on the machine that it was carried out on.',
    rows: [
      [
        ...['variant', 'height', 'images', 'passes an image', 'seconds an image'],
        ...goals.flatMap((goal) =>
          ['images', 'passes', 'seconds'].map((what) => `${what} to ${goal.toFixed(3)}`),
        ),
      ],
      ...variants.map(({ name, area, reached }) => {
        const totals = of(name).map(({ total }) => total);
        return [
          ...[name, estimateText(area), wholeText(middle(totals.map(({ images }) => images)))],
          figureText(middle(totals.map(({ passes, images }) => passes / images))),
          figureText(middle(totals.map(({ seconds, images }) => seconds / images))),
          ...reached.flatMap(({ spent }) => [
            wholeText(spent.images),
            wholeText(spent.passes),
            spent.seconds === undefined ? NONE : durationInWords(spent.seconds),
          ]),
        ];
      }),
    ],
  };
}

function winTable(summary: StudySummary): StudyTable {
  const names = summary.variants.map(({ name }) => name);
  return {
    title: 'Who beats whom',
    about:
      'The probability that the variant of the row has the better image, by seed and prompt; equal rewards count half.',
    rows:
      names.length < 3
        ? []
        : [
            ['', ...names],
            ...names.map((left) => [
              left,
              ...names.map((right) => {
                const pair = pairOf(summary, left, right);
                return winText(pair?.win);
              }),
            ]),
          ],
  };
}

/** Of left − right, in whichever order it was computed. */
export function pairOf(
  { pairs }: StudySummary,
  left: string,
  right: string,
): { difference: Estimate; win: Estimate } | undefined {
  const same = pairs.find((pair) => pair.left === left && pair.right === right);
  if (same !== undefined) return same;
  const turned = pairs.find((pair) => pair.left === right && pair.right === left);
  return (
    turned && {
      difference: mirrored(turned.difference, 0),
      win: mirrored(turned.win, 1),
    }
  );
}

/** `total` minus an estimate. */
function mirrored({ value, low, high }: Estimate, total: number): Estimate {
  return { value: total - value, low: total - high, high: total - low };
}

function winText(win: Estimate | undefined): string {
  return win === undefined || Number.isNaN(win.value) ? NONE : percent(win.value);
}

function inBrackets(text: string): string {
  return `[${text}]`;
}

/** `0.701 [0.684, 0.718]` */
export function estimateText({ value, low, high }: Estimate): string {
  if (Number.isNaN(value)) return NONE;
  return `${value.toFixed(3)} ${inBrackets(`${low.toFixed(3)}, ${high.toFixed(3)}`)}`;
}

/** `+0.103 [+0.080, +0.125]` */
export function gainText({ value, low, high }: Estimate): string {
  if (Number.isNaN(value)) return NONE;
  return `${signed(value)} ${inBrackets(`${signed(low)}, ${signed(high)}`)}`;
}

function wholeText(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? NONE : String(Math.round(value));
}

function figureText(value: number): string {
  return Number.isFinite(value) ? figure(value) : NONE;
}
