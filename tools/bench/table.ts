/** The table of ratios, line by line as the cases end. */
import type { ComparedRow } from './compare';

const COLUMNS = ['ratio', 'middle half', 'case', 'measure', 'against', 'ours', 'theirs', 'target'];
const WIDTHS = [6, 13, 30, 28, 24, 9, 9, 12];

export function tableHead(): string {
  return tableLine(COLUMNS);
}

export function tableRow(row: ComparedRow): string {
  const { measure, spread, target, met } = row;
  return tableLine([
    row.ratio.toFixed(2),
    `${spread[0].toFixed(2)} – ${spread[1].toFixed(2)}`,
    ...[row.caseName, formatMeasure(measure), row.rival],
    ...[formatQuantity(row.ours, measure), formatQuantity(row.theirs, measure)],
    target === undefined ? '' : `${target.toFixed(2)} ${met === true ? 'met' : 'not met'}`,
  ]);
}

export function formatMeasure(measure: string): string {
  return measure === 'peakMegabytes' ? 'peak memory' : measure;
}

/** Three digits of seconds, or of milliseconds below a tenth; whole 10⁶ bytes. */
export function formatQuantity(value: number, measure: string): string {
  if (measure === 'peakMegabytes') return `${value.toFixed(0)} MB`;
  return value < 0.1 ? `${threeDigits(1000 * value)} ms` : `${threeDigits(value)} s`;
}

function threeDigits(value: number): string {
  return value < 100 ? value.toPrecision(3) : value.toFixed(0);
}

function tableLine(cells: readonly string[]): string {
  return cells
    .map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0))
    .join(' ')
    .trimEnd();
}
