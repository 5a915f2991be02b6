/** `doctor --model`: the memory that a model needs, and its fastest batches. */
import { availableParallelism } from 'node:os';

import type { BatchAdvice } from '../api/measure-batches';
import { resolveConfig } from '../configuration/resolve-config';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { figure } from '../terminal/words';
import { readModelDefaults } from '../weights/model-defaults';
import { resolveModel } from '../weights/resolve-model';
import type { CommandContext, CommonFlags } from './context';
import { memoryVerdict } from './memory-verdict';

interface ModelFlags extends CommonFlags {
  readonly guidance?: number;
  readonly seconds?: number;
  readonly height?: number;
  readonly width?: number;
}

/**
 * Reads what the model is like.
 *
 * @param available memory of a process, in bytes
 * @returns tells it, and measures batches where they fit
 * @throws UserError for a model that does not fit
 */
export async function judgeModel(
  model: string,
  flags: ModelFlags,
  { output, loadCore }: CommandContext,
  available: number,
): Promise<() => Promise<void>> {
  const reader = await resolveModel(model, { output: output.error, quiet: flags.quiet });
  const { readMemoryEstimates } = await import('../policy/memory-estimate');
  const defaults = await readModelDefaults(reader);
  const { height, width, guidance = defaults?.settings.sampler.guidance ?? 1 } = flags;
  const estimates = await readMemoryEstimates(reader, { height, width, guidance });
  const { evaluate } = resolveConfig({}, [], defaults?.settings);
  const verdict = memoryVerdict(model, estimates, available, evaluate.images);
  return async () => {
    const write = (found: object, text: string): void => {
      output.out.write(flags.json === true ? `${JSON.stringify(found)}\n` : text);
    };
    if (flags.json !== true) output.out.write(`${verdict.lines.join('\n')}\n\n`);
    if (!verdict.fits(availableParallelism())) {
      // Measuring would need more than there is.
      write(
        estimates,
        'Too large to measure batches here: --set batch.rollout=1 --set batch.update=1\n',
      );
      return;
    }
    // By itself: a run's threads are not those that a single product is fastest with.
    const batches = await findBatches(model, { ...flags, guidance }, { output, loadCore });
    write({ ...batches, ...estimates }, batchLines(batches).join(''));
  };
}

async function findBatches(
  model: string,
  flags: ModelFlags,
  { output, loadCore }: Pick<CommandContext, 'output' | 'loadCore'>,
): Promise<BatchAdvice> {
  const live = createLiveLine(output.error);
  const progress = createPhaseProgress();
  const { measureBatches } = await loadCore();
  try {
    return await measureBatches({
      model,
      backend: 'auto',
      guidance: flags.guidance ?? 1,
      height: flags.height,
      width: flags.width,
      seconds: flags.seconds ?? 120,
      onProgress(text, fraction) {
        if (flags.quiet !== true && output.error.isTTY === true) {
          live.show(progress.describe(text, fraction));
        }
      },
    });
  } finally {
    live.clear();
  }
}

function batchLines({ measurements, rollout, update }: BatchAdvice): string[] {
  const milliseconds = (seconds: number) => `${figure(1000 * seconds)} ms`;
  const rows = measurements.map((each) => [
    String(each.batch),
    milliseconds(each.rolloutSeconds),
    milliseconds(each.updateSeconds),
    gigabytes(each.memoryBytes),
  ]);
  const head = ['batch', 'rollout, a step', 'update, a pair', 'memory'];
  return [
    ...[head, ...rows].map((cells) => `${cells.map((cell) => cell.padStart(16)).join('')}\n`),
    `\nFastest here: --set batch.rollout=${rollout} --set batch.update=${update}\n`,
  ];
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
