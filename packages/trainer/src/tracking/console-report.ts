/** A run as a person follows it: a live line and a table on a terminal, a plain line per iteration elsewhere. */
import { createColors } from 'picocolors';

import type { TrainConfig } from '../configuration/schema';
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import { createLiveLine } from './live-line';
import type { Output } from './output';
import { createPhaseProgress } from './progress-text';
import { isBaseEvaluation } from './run-history';
import { durationInWords, figure, median, percent, signed, withError } from './words';

export interface ConsoleReport {
  phase(name: string, fraction: number): void;
  iteration(record: IterationRecord): void;
  evaluation(record: EvaluationRecord): void;
  /** Lines about files and the like. */
  note(text: string): void;
  warn(text: string): void;
  finish(summary: RunSummary, folder: string): void;
  close(): void;
}

const COLUMNS = [
  ['iteration', 9],
  ['reward', 15],
  ['ratio − 1', 10],
  ['clipped', 8],
  ['KL', 9],
  ['gradient', 9],
  ['rate', 9],
  ['images/s', 9],
  ['seconds', 8],
  ['left', 12],
] as const;

/** The others, such as an evaluation, stand between iterations. */
const ITERATION_PHASES = new Set(['text', 'rollout', 'decode', 'reward', 'update']);

const ROWS_BETWEEN_HEADS = 25;

/**
 * @param options.quiet only warnings and the summary
 */
export function createConsoleReport(
  config: TrainConfig,
  output: Output,
  options: { quiet: boolean },
): ConsoleReport {
  const terminal = output.out.isTTY === true;
  const colors = createColors(terminal && process.env['NO_COLOR'] === undefined);
  const live = createLiveLine(output.out);
  const progress = createPhaseProgress();
  const durations: number[] = [];
  let rows = 0;

  function line(text: string): void {
    live.clear();
    output.out.write(`${text}\n`);
  }

  function secondsLeft(record: IterationRecord): number {
    durations.push(Object.values(record.seconds).reduce((sum, seconds) => sum + seconds, 0));
    return median(durations.slice(-20)) * (config.iterations - record.iteration);
  }

  function tableRow(record: IterationRecord, left: number): void {
    if (rows % ROWS_BETWEEN_HEADS === 0) {
      line(colors.bold(COLUMNS.map(([name, width]) => name.padStart(width)).join(' ')));
    }
    rows++;
    const seconds = durations.at(-1) ?? 0;
    const cells = [
      `${String(record.iteration)}/${String(config.iterations)}`,
      `${record.reward.mean.toFixed(3)} ± ${record.reward.std.toFixed(2)}`,
      `±${figure(record.ratio.std)}`,
      percent(record.clipFraction),
      figure(record.approxKl),
      figure(record.gradientNorm),
      figure(record.learningRate),
      figure(record.images / seconds),
      seconds.toFixed(1),
      durationInWords(left),
    ];
    line(cells.map((cell, index) => cell.padStart(COLUMNS[index]?.[1] ?? 0)).join(' '));
  }

  function plainLine(record: IterationRecord, left: number): void {
    const seconds = durations.at(-1) ?? 0;
    line(
      [
        `iteration ${String(record.iteration)}/${String(config.iterations)}`,
        `reward ${record.reward.mean.toFixed(3)} ± ${record.reward.std.toFixed(3)}`,
        `ratio 1 ± ${figure(record.ratio.std)}`,
        `clipped ${percent(record.clipFraction)}`,
        `kl ${figure(record.approxKl)}`,
        `gradient ${figure(record.gradientNorm)}`,
        `${seconds.toFixed(1)} s`,
        `${durationInWords(left)} left`,
      ].join(' · '),
    );
  }

  return {
    phase(name, fraction) {
      if (options.quiet) return;
      const position = ITERATION_PHASES.has(name)
        ? ` · iteration ${String(Math.min(durations.length + 1, config.iterations))} of ${String(config.iterations)}`
        : '';
      const done = durations.length;
      const left =
        done > 0 && done < config.iterations
          ? ` · run: ${durationInWords(median(durations.slice(-20)) * (config.iterations - done))} left`
          : '';
      live.show(`${progress.describe(name, fraction)}${position}${left}`);
    },
    iteration(record) {
      const left = secondsLeft(record);
      if (!options.quiet) (terminal ? tableRow : plainLine)(record, left);
    },
    evaluation(record) {
      if (options.quiet) return;
      line(
        colors.cyan(
          `held-out reward ${record.name}: ${withError(record.mean, record.standardError)} (${String(record.count)} images, guidance ${String(record.settings.guidance)})`,
        ),
      );
    },
    note(text) {
      if (!options.quiet) line(text);
    },
    warn(text) {
      live.clear();
      output.error.write(`${colors.yellow('Warning:')} ${text}\n`);
    },
    finish(summary, folder) {
      for (const text of summaryLines(summary)) line(text);
      line(`Everything is in ${folder}`);
    },
    close() {
      live.clear();
    },
  };
}

/** The result of a run in a few lines. */
export function summaryLines(summary: RunSummary): string[] {
  const { before, after, gain, base } = summary.evaluation;
  const lines = [
    summary.interrupted
      ? `Ended early after ${String(summary.iterations)} iterations.`
      : `Done: ${String(summary.iterations)} iterations.`,
  ];
  if (before !== undefined && after !== undefined) {
    const gainText =
      gain === undefined ? '' : `, gain ${signed(gain.mean)} ± ${gain.standardError.toFixed(3)}`;
    lines.push(
      `Held-out reward over ${String(after.count)} images: before ${withError(before.mean, before.standardError)}, after ${withError(after.mean, after.standardError)}${gainText}`,
    );
    const families = Object.entries(after.families).map(([family, score]) => {
      const earlier = before.families[family];
      return `${family} ${earlier === undefined ? '–' : earlier.mean.toFixed(2)} → ${score.mean.toFixed(2)}`;
    });
    if (families.length > 0) lines.push(`  ${families.join(' · ')}`);
  }
  for (const record of (base ?? []).filter(isBaseEvaluation)) {
    lines.push(
      `Base model at guidance ${String(record.settings.guidance)}: ${withError(record.mean, record.standardError)}`,
    );
  }
  return lines;
}
