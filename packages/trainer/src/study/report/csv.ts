/** The tables of a study that other programs read. */
import type { Outcome } from '../outcome';
import { meanHeight } from '../statistics/learning-curve';
import { pairedGain } from '../../statistics';

type Cell = string | number | undefined;

/**
 * `table.csv`: a row for each run. Nothing in it depends on when or how fast a run was carried out, so that the same study makes
 * the same file.
 */
export function tableCsv(outcomes: readonly Outcome[]): string {
  const families = [
    ...new Set(
      outcomes.flatMap(({ evaluations }) => Object.keys(evaluations.at(-1)?.record.families ?? {})),
    ),
  ];
  const head = [
    ...['variant', 'seed', 'iterations', 'images', 'unet_passes', 'evaluated_images'],
    ...['before', 'before_se', 'after', 'after_se', 'gain', 'gain_se', 'mean_height'],
    ...families.map((family) => `after_${family}`),
  ];
  const rows = outcomes.map(({ variant, seed, total, evaluations }): Cell[] => {
    const before = evaluations[0]?.record;
    const after = evaluations.at(-1)?.record;
    const gain =
      before && after && before.rewards.length === after.rewards.length
        ? pairedGain(before.rewards, after.rewards)
        : undefined;
    const height = meanHeight(
      evaluations.map(({ images, record }) => ({ spent: images, reward: record.mean })),
    );
    return [
      ...[variant, seed, total.iterations, total.images, total.passes, after?.count],
      ...[before?.mean, before?.standardError, after?.mean, after?.standardError],
      ...[gain?.mean, gain?.standardError, height],
      ...families.map((family) => after?.families[family]?.mean),
    ];
  });
  return csv([head, ...rows]);
}

/** `curves.csv`: a row for each evaluation of each run. */
export function curvesCsv(outcomes: readonly Outcome[]): string {
  const head = ['variant', 'seed', 'iterations', 'images', 'unet_passes', 'mean', 'standard_error'];
  const rows = outcomes.flatMap(({ variant, seed, evaluations }) =>
    evaluations.map(({ iterations, images, passes, record }): Cell[] => [
      ...[variant, seed, iterations, images, passes],
      ...[record.mean, record.standardError],
    ]),
  );
  return csv([head, ...rows]);
}

/** `times.csv`: what each run took, which is another each time. */
export function timesCsv(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ variant, seed, total }): Cell[] => [
    ...[variant, seed, total.iterations, total.seconds],
    total.seconds / total.iterations,
  ]);
  return csv([
    ['variant', 'seed', 'iterations', 'training_seconds', 'seconds_per_iteration'],
    ...rows,
  ]);
}

/** RFC 4180; numbers with 9 digits, which tell any two float32 apart. */
function csv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

function cellText(cell: Cell): string {
  if (cell === undefined || Number.isNaN(cell)) return '';
  if (typeof cell === 'number') return String(Number(cell.toPrecision(9)));
  // A spreadsheet takes a text that begins like this for a formula.
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
