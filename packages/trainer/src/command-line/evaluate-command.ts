/** `loop-diffusion evaluate`: the mean reward of a model over prompts. */
import { join } from 'node:path';

import type { Command } from 'commander';

import { applyOverrides } from '../configuration/overrides';
import { checkOutputFolder } from '../files/check-output-folder';
import { nextFreeFolder } from '../files/next-free-folder';
import { writeFileAtomically } from '../files/write-atomically';
import type { EvaluationRecord } from '../run-folder/records';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { counted, withError } from '../terminal/words';
import { imagesIn } from '../tracking/console-report';
import { createFailureWatch } from '../tracking/failure-watch';
import { resolveModel } from '../weights/resolve-model';
import { isFirst } from '../workers/find-cluster';
import { collect } from './collect';
import type { CommandContext, CommonFlags } from './context';
import { listenForInterruption } from './interruption';
import { launchWorkers } from './launch-workers';
import { wholeNumberFlag } from './numbers';
import { addSamplerFlags, DEFAULT_ETA, type SamplerFlags } from './sampler-flags';
import { samplerOf } from './sampler-defaults';
import { sayBackend } from './say-backend';
import { sayCutOff } from './say-cut-off';
import { sayWithheld } from './say-withheld';
import { addWorkerFlags, clusterFor, commandOfWorkers, type WorkerFlags } from './worker-flags';

export interface EvaluateFlags extends CommonFlags, SamplerFlags, WorkerFlags {
  readonly prompts: string;
  readonly reward: string;
  readonly rewardSetting: string[];
  readonly images?: number;
  readonly out?: string;
}

export function addEvaluateFlags(command: Command): Command {
  return addWorkerFlags(addSamplerFlags(command))
    .description('mean reward with its standard error, by prompt family, and the images')
    .requiredOption('--prompts <file>', 'a text file with a prompt a line, or shapes')
    .requiredOption('--reward <name>', 'name of a reward, such as shapes or jpeg-compressibility')
    .option(
      '--reward-setting <key=value>',
      "one of the reward's settings, such as model=FOLDER; again for more",
      collect,
      [],
    )
    .option('--images <n>', 'how many images', wholeNumberFlag(2, 1_000_000))
    .option('--out <folder>', 'folder of the images and evaluation.json (default: "evaluation")');
}

/** @returns the exit code */
export async function evaluateCommand(
  flags: EvaluateFlags,
  context: CommandContext,
): Promise<number> {
  const { output } = context;
  const cluster = clusterFor(flags);
  const writes = isFirst(cluster);
  const out = flags.out ?? nextFreeFolder('evaluation');
  const reader = await resolveModel(flags.model, { output: output.error, quiet: flags.quiet });
  if (writes) checkOutputFolder(out);
  if (flags.workers > 1) {
    const args = [...commandOfWorkers(context.argv), '--out', out];
    const { workers: count, workerPatience: patienceSeconds } = flags;
    const request = { count, maxRestarts: 0, folder: out, patienceSeconds };
    return launchWorkers({ ...request, args, argsToGoOn: args }, context);
  }

  const sampler = await samplerOf(reader, flags, output);
  const interruption = listenForInterruption(
    context,
    'Ending; press Ctrl-C again to exit at once.',
  );
  const live = createLiveLine(flags.json === true ? output.error : output.out);
  const progress = createPhaseProgress();
  try {
    const rows = flags.images ?? Infinity;
    const { signal } = interruption;
    await sayBackend(flags.backend, rows, flags, { cluster, signal });
    const { evaluateModel } = await context.loadCore();
    const result = await evaluateModel({
      model: flags.model,
      unet: flags.unet,
      lora: flags.lora,
      unetOnly: flags.unetOnly,
      prompts: flags.prompts,
      reward: {
        name: flags.reward,
        settings: applyOverrides({}, flags.rewardSetting, { flag: '--reward-setting' }),
      },
      images: flags.images,
      seed: flags.seed,
      ...sampler,
      eta: flags.eta ?? DEFAULT_ETA,
      height: flags.height,
      width: flags.width,
      vaeTiles: flags.vaeTiles,
      safety: flags.safety,
      backend: flags.backend,
      ...{ cluster, workerPatience: flags.workerPatience },
      out,
      onProgress: (phase, fraction) => {
        if (writes && flags.quiet !== true) live.show(progress.describe(phase, fraction));
      },
      signal: interruption.signal,
    });
    if (!writes) return 0;
    writeFileAtomically(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 2)}\n`);
    live.clear();
    sayWithheld(result, flags.safety, output);
    sayCutOff(result, output);
    const { evaluation } = result;
    const judged = { ...evaluation, images: evaluation.rewards.length };
    for (const text of createFailureWatch()(judged)) output.error.write(`Warning: ${text}\n`);
    if (flags.json === true) output.out.write(`${JSON.stringify(result)}\n`);
    else {
      for (const line of evaluationTable(evaluation)) output.out.write(`${line}\n`);
      output.out.write(`Images are in ${out}\n`);
    }
    return 0;
  } finally {
    live.clear();
    interruption.release();
  }
}

function evaluationTable(record: EvaluationRecord): string[] {
  const rows = [
    ...Object.entries(record.families).map(([name, score]) => ({
      ...score,
      name,
      images: counted(score.count, 'image'),
    })),
    { ...record, name: 'all', images: imagesIn(record) },
  ];
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(
    ({ name, mean, standardError, images }) =>
      `${name.padEnd(width)}  ${withError(mean, standardError)}  (${images})`,
  );
}
