/** A run as a person follows it: a live line and a table on a terminal, a plain line per iteration elsewhere. */
import { createColors } from 'picocolors';

import { imagesOfChoice } from '../configuration/guidance-choice';
import type { TrainConfig } from '../configuration/schema';
import { capitalized, evaluatedReward } from '../run-folder/evaluation-words';
import type { EvaluationRecord, IterationRecord, RunSummary } from '../run-folder/records';
import { createLiveLine } from '../terminal/live-line';
import type { Output, OutputStream } from '../terminal/output';
import { createPhaseProgress } from '../terminal/progress-text';
import {
  briefMean,
  counted,
  durationInWords,
  figure,
  median,
  percent,
  signedWithError,
  withError,
} from '../terminal/words';

/** Lines between the reports. */
export interface Announcer {
  /** About files and the like. */
  note(text: string): void;
  warn(text: string): void;
}

export interface ConsoleReport extends Announcer {
  phase(name: string, fraction: number): void;
  iteration(record: IterationRecord): void;
  evaluation(record: EvaluationRecord): void;
  finish(summary: RunSummary): void;
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

/** Images that a phase works through; undefined for one that takes them all at once. */
function imagesOf(phase: string, config: TrainConfig): number | undefined {
  if (phase === 'rollout' || phase === 'update') return config.batch.prompts * config.algorithm.k;
  if (phase === 'samples') return config.samples.count;
  if (phase.startsWith('evaluation choice')) return imagesOfChoice(config);
  return phase.startsWith('evaluation') ? config.evaluate.images : undefined;
}

const ROWS_BETWEEN_HEADS = 25;

/**
 * @param options.quiet only warnings and the summary
 * @param options.iterationsDone of a run that goes on; 0 for a new one
 * @param options.folder of the run, to be named at its end
 */
export function createConsoleReport(
  config: TrainConfig,
  output: Output,
  options: { quiet: boolean; iterationsDone?: number | undefined; folder?: string | undefined },
): ConsoleReport {
  const terminal = output.out.isTTY === true;
  const colors = colorsFor(output.out);
  const live = createLiveLine(output.out);
  const progress = createPhaseProgress();
  const durations: number[] = [];
  let { iterationsDone = 0 } = options;
  let rows = 0;

  function line(text: string): void {
    live.clear();
    output.out.write(`${text}\n`);
  }

  function secondsLeft(record: IterationRecord): number {
    durations.push(Object.values(record.seconds).reduce((sum, seconds) => sum + seconds, 0));
    iterationsDone = record.iteration;
    return secondsFor(config.iterations - iterationsDone);
  }

  /** As long as so many iterations took of late. */
  function secondsFor(iterations: number): number {
    return median(durations.slice(-20)) * iterations;
  }

  function tableRow(record: IterationRecord, left: number): void {
    if (rows % ROWS_BETWEEN_HEADS === 0) {
      line(colors.bold(COLUMNS.map(([name, width]) => name.padStart(width)).join(' ')));
    }
    rows++;
    const seconds = durations.at(-1) ?? 0;
    const cells = [
      `${String(record.iteration)}/${String(config.iterations)}`,
      rewardText(record.reward, 2),
      `±${figure(record.ratio.std)}`,
      percent(record.clipFraction),
      figure(record.approxKl),
      figure(record.gradientNorm),
      figure(record.learningRate),
      figure(record.images / seconds),
      seconds.toFixed(1),
      durationInWords(left),
    ];
    const row = cells.map((cell, index) => cell.padStart(COLUMNS[index]?.[1] ?? 0));
    line([...row, ...clientOf(record), ...failuresOf(record)].join(' '));
  }

  function plainLine(record: IterationRecord, left: number): void {
    const seconds = durations.at(-1) ?? 0;
    line(
      [
        `iteration ${String(record.iteration)}/${String(config.iterations)}`,
        `reward ${rewardText(record.reward, 3)}`,
        `ratio 1 ± ${figure(record.ratio.std)}`,
        `clipped ${percent(record.clipFraction)}`,
        `kl ${figure(record.approxKl)}`,
        `gradient ${figure(record.gradientNorm)}`,
        `${seconds.toFixed(1)} s`,
        `${durationInWords(left)} left`,
        ...clientOf(record),
        ...failuresOf(record),
      ].join(' · '),
    );
  }

  return {
    phase(name, fraction) {
      if (options.quiet) return;
      const { iterations } = config;
      const position = ITERATION_PHASES.has(name)
        ? ` · iteration ${String(Math.min(iterationsDone + 1, iterations))} of ${String(iterations)}`
        : '';
      const left =
        durations.length > 0 && iterationsDone < iterations
          ? ` · run: ${durationInWords(secondsFor(iterations - iterationsDone))} left`
          : '';
      live.show(`${progress.describe(name, fraction, imagesOf(name, config))}${position}${left}`);
    },
    iteration(record) {
      const left = secondsLeft(record);
      if (!options.quiet) (terminal ? tableRow : plainLine)(record, left);
    },
    evaluation(record) {
      if (options.quiet) return;
      line(
        colors.cyan(
          `${evaluatedReward(record)} ${record.name}: ${withError(record.mean, record.standardError)} (${imagesIn(record)}, guidance ${String(record.settings.guidance)})`,
        ),
      );
    },
    note(text) {
      if (!options.quiet) line(text);
    },
    warn(text) {
      live.clear();
      output.error.write(`${colorsFor(output.error).yellow('Warning:')} ${text}\n`);
    },
    finish(summary) {
      for (const text of summaryLines(summary)) line(text);
      if (options.folder !== undefined) line(`Everything is in ${options.folder}`);
    },
    close() {
      live.clear();
    },
  };
}

/** Its spread over the images; `none` where no image has a whole reward. */
function rewardText({ mean, std }: IterationRecord['reward'], digits: number): string {
  return Number.isFinite(mean) ? `${mean.toFixed(3)} ± ${std.toFixed(digits)}` : 'none';
}

/** In a federated run. */
function clientOf({ client, round }: IterationRecord): string[] {
  return client === undefined ? [] : [`${client}, round ${String(round)}`];
}

/** Nothing where none of the rewards failed. */
function failuresOf({ failures }: IterationRecord): string[] {
  const count = failures.reduce((sum, failure) => sum + failure.count, 0);
  return count === 0 ? [] : [`${String(count)} failed`];
}

/** How many images a mean is of, and how many it is not of. */
export function imagesIn({ count, failed, notApplicable }: EvaluationRecord): string {
  const left = failed > 0 ? [`${String(failed)} failed`] : [];
  if (notApplicable > 0) left.push(`${String(notApplicable)} without a reward that applies`);
  return [counted(count, 'image'), ...left].join(', ');
}

/** Colours on a terminal, unless NO_COLOR holds anything (no-color.org). */
function colorsFor(stream: OutputStream): ReturnType<typeof createColors> {
  return createColors(stream.isTTY === true && !process.env['NO_COLOR']);
}

/** The result of a run in a few lines. */
export function summaryLines(summary: RunSummary): string[] {
  const { before, after, gain, best } = summary.evaluation;
  const lines = [
    summary.stopped !== undefined
      ? `Stopped after ${counted(summary.iterations, 'iteration')}: ${summary.stopped}.`
      : summary.interrupted
        ? `Ended early after ${counted(summary.iterations, 'iteration')}.`
        : `Done: ${counted(summary.iterations, 'iteration')}.`,
  ];
  if (before !== undefined && after !== undefined) {
    const gainText =
      gain === undefined ? '' : `, gain ${signedWithError(gain.mean, gain.standardError)}`;
    lines.push(
      `${capitalized(evaluatedReward(after))} over ${imagesIn(after)}: before ${withError(before.mean, before.standardError)}, after ${withError(after.mean, after.standardError)}${gainText}`,
    );
    const families = Object.entries(after.families).map(([family, score]) => {
      return `${family} ${briefMean(before.families[family]?.mean)} → ${briefMean(score.mean)}`;
    });
    if (families.length > 0) lines.push(`  ${families.join(' · ')}`);
  }
  if (best?.after !== undefined && best.gain !== undefined) {
    const [from, to] = [best.before, best.after].map(
      ({ mean, standardError, settings }) =>
        `${withError(mean, standardError)} (guidance ${String(settings.guidance)})`,
    );
    lines.push(
      `Each at its best guidance: before ${from}, after ${to}, gain ${signedWithError(best.gain.mean, best.gain.standardError)}`,
    );
  }
  return lines;
}
