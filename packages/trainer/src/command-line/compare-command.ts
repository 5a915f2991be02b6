/** `loop-diffusion compare`: several runs in one plot and one table. */
import { join } from 'node:path';

import type { Command } from 'commander';

import { compareRuns, type Comparison } from '../comparison/compare-runs';
import { MOST_RUNS, renderComparison } from '../comparison/comparison-plot';
import { comparisonMarkdown, comparisonText } from '../comparison/comparison-table';
import { readRun } from '../comparison/read-run';
import { checkOutputFolder } from '../files/check-output-folder';
import { nextFreeFolder } from '../files/next-free-folder';
import { writeFileAtomically } from '../files/write-atomically';
import { UsageError } from '../usage-error';
import type { CommandContext, CommonFlags } from './context';

export interface CompareFlags extends CommonFlags {
  readonly out?: string;
}

const PLOT = 'curves.png';

export function addCompareFlags(command: Command): Command {
  return command
    .description('rewards, gains, times and differing keys of runs side by side')
    .argument('<RUN...>', 'folders of runs')
    .option('--out <folder>', 'folder of the plot and the table (default: "comparison")');
}

/** @returns the exit code */
export async function compareCommand(
  folders: readonly string[],
  flags: CompareFlags,
  { output }: CommandContext,
): Promise<number> {
  if (folders.length > MOST_RUNS) {
    throw new UsageError(
      `compare takes at most ${String(MOST_RUNS)} runs, not ${String(folders.length)}`,
    );
  }
  const runs = await Promise.all(folders.map(readRun));
  const comparison = compareRuns(runs);
  const out = flags.out ?? nextFreeFolder('comparison');
  checkOutputFolder(out);

  const drawn = runs.flatMap(({ history }, index) => {
    const figures = comparison.runs[index];
    return figures === undefined ? [] : [{ ...figures, history }];
  });
  writeFileAtomically(join(out, PLOT), await renderComparison(drawn));
  writeFileAtomically(join(out, 'comparison.md'), comparisonMarkdown(comparison, PLOT));
  const result = comparisonJson(comparison);
  writeFileAtomically(join(out, 'comparison.json'), `${JSON.stringify(result, null, 2)}\n`);

  if (flags.json === true) output.out.write(`${JSON.stringify({ out, ...result })}\n`);
  else {
    output.out.write(`${comparisonText(comparison)}\n`);
    if (flags.quiet !== true) output.out.write(`Everything is in ${out}\n`);
  }
  return 0;
}

/** With the differing keys by run, where a run that lacks a key has none, rather than null, which is a value. */
function comparisonJson({ runs, configuration, notes }: Comparison): object {
  const byRun = (values: readonly unknown[]) =>
    Object.fromEntries(runs.map(({ name }, index) => [name, values[index]]));
  return {
    runs,
    configuration: Object.fromEntries(configuration.map(({ key, values }) => [key, byRun(values)])),
    notes,
  };
}
