import type { ProgressRow } from './charts';

/** Markdown: a line per function and strategy, at the end of the search. */
export function comparisonTable(rows: readonly ProgressRow[]): string {
  const functions = [...new Set(rows.map((row) => row.function))];
  const lines = functions.flatMap((name) => {
    const ofFunction = rows.filter((row) => row.function === name);
    const last = Math.max(...ofFunction.map((row) => row.runs));
    return ofFunction
      .filter((row) => row.runs === last)
      .map((row) => {
        const error = withError(row.curveError, row.curveErrorStandardError);
        const regret = withError(row.regret, row.regretStandardError);
        return `| ${name} | ${row.runs} | ${row.strategy} | ${error} | ${row.coverage.toFixed(2)} | ${regret} |`;
      });
  });
  return [
    '| function | runs | turns | error of the curves | in the 95 % band | below the largest gain |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

/** Two digits of the error say how many of the number are worth having. */
function withError(value: number, error: number): string {
  const digits = error > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(error)))) : 3;
  return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
}
