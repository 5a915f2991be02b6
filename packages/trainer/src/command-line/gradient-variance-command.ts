/** `loop-diffusion gradient-variance`: the variance of a run's policy gradient for each advantage estimator. */
import { join } from 'node:path';

import { InvalidArgumentError, type Command } from 'commander';

import { readRunConfig, type GradientVarianceResult } from '../api/gradient-variance';
import { checkOutputFolder } from '../files/check-output-folder';
import { nextFreeFolder } from '../files/next-free-folder';
import { writeFileAtomically } from '../files/write-atomically';
import { renderVariance } from '../gradient-variance/variance-plot';
import {
  varianceMarkdown,
  varianceText,
  type MeasuredPolicy,
} from '../gradient-variance/variance-table';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { counted } from '../terminal/words';
import { UsageError } from '../usage-error';
import { resolveModel } from '../weights/resolve-model';
import type { CommandContext, CommonFlags } from './context';
import { listenForInterruption } from './interruption';
import { wholeNumberFlag } from './numbers';
import { sayBackendOfRun } from './say-backend';

export interface GradientVarianceFlags extends CommonFlags {
  readonly prompts: number;
  readonly images: number;
  readonly k: readonly number[];
  readonly checkpoint?: number;
  readonly base?: boolean;
  readonly seed?: number;
  readonly out?: string;
}

const PLOT = 'gradient-variance.png';

export function addGradientVarianceFlags(command: Command): Command {
  return command
    .description("variance of a run's policy gradient for each advantage estimator and k")
    .argument('<RUN>', "the run's folder")
    .option('--prompts <n>', 'how many training prompts', wholeNumberFlag(2, 2000), 64)
    .option('--images <n>', 'how many images of each', wholeNumberFlag(4, 1000), 16)
    .option('--k <list>', 'sizes of groups, such as 2,4', groupSizes, [2, 3, 4, 8])
    .option(
      '--checkpoint <n>',
      'iterations after which the policy is measured (default: the newest checkpoint)',
      wholeNumberFlag(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--base', 'measure the policy as it was before training')
    .option(
      '--seed <n>',
      "seed of prompts, images and intervals (default: the run's)",
      wholeNumberFlag(0, 0xffffffff),
    )
    .option('--out <folder>', 'folder of the table and the plot (default: "gradient-variance")');
}

/** @returns the exit code */
export async function gradientVarianceCommand(
  run: string,
  flags: GradientVarianceFlags,
  context: CommandContext,
): Promise<number> {
  const { output } = context;
  if (flags.base === true && flags.checkpoint !== undefined) {
    throw new UsageError('--base and --checkpoint name two policies; give one of them');
  }
  const config = await readRunConfig(run);
  const out = flags.out ?? nextFreeFolder('gradient-variance');
  checkOutputFolder(out);
  await resolveModel(config.model, { output: output.error, quiet: flags.quiet });

  const interruption = listenForInterruption(
    context,
    'Ending; press Ctrl-C again to exit at once.',
  );
  const live = createLiveLine(flags.json === true ? output.error : output.out);
  const progress = createPhaseProgress();
  try {
    await sayBackendOfRun(config, flags, interruption.signal);
    const { gradientVariance } = await context.loadCore();
    const { prompts, images, k, checkpoint, base, seed } = flags;
    const result = await gradientVariance({
      ...{ run, prompts, images, k, checkpoint, base, seed, signal: interruption.signal },
      onProgress: (phase, fraction) => {
        if (flags.quiet === true) return;
        const all = phase === 'measuring' ? prompts * images : undefined;
        live.show(progress.describe(phase, fraction, all));
      },
      onDifference: (difference) => {
        live.clear();
        output.error.write(`Not exactly as in the run: ${difference}.\n`);
      },
    });
    const policy: MeasuredPolicy = { run, policy: policyInWords(result) };
    const plot = await renderVariance(result);
    writeFileAtomically(join(out, PLOT), plot);
    writeFileAtomically(join(out, 'gradient-variance.md'), varianceMarkdown(result, policy, PLOT));
    const json = JSON.stringify(result, null, 2);
    writeFileAtomically(join(out, 'gradient-variance.json'), `${json}\n`);

    live.clear();
    if (result.leftOut > 0) {
      output.error.write(
        `Warning: ${counted(result.leftOut, 'prompt')} left out, for not all of their images got a reward\n`,
      );
    }
    if (flags.json === true) output.out.write(`${JSON.stringify({ out, ...result })}\n`);
    else {
      output.out.write(`${varianceText(result, policy)}\n`);
      if (flags.quiet !== true) output.out.write(`Everything is in ${out}\n`);
    }
    return 0;
  } finally {
    live.clear();
    interruption.release();
  }
}

function policyInWords({ iterations }: GradientVarianceResult): string {
  return iterations === 0 ? 'before training' : `after ${counted(iterations, 'iteration')}`;
}

function groupSizes(text: string): number[] {
  const sizes = text.split(',').map((size) => (size.trim() === '' ? Number.NaN : Number(size)));
  if (sizes.every((size) => Number.isSafeInteger(size) && size >= 2 && size <= 500)) return sizes;
  throw new InvalidArgumentError('It must be whole numbers from 2 to 500 with commas between.');
}
