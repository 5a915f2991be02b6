/** `loop-diffusion sample`: images for prompts. */
import { dirname } from 'node:path';

import { Option, type Command } from 'commander';

import { SCHEDULER_NAMES, type SchedulerName } from '../api/drawing-options';
import { checkNewFile, checkOutputFolder } from '../files/check-output-folder';
import { checkWritable } from '../files/check-writable';
import { fileStatus } from '../files/file-status';
import { readPromptFile } from '../prompts/read-prompt-file';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { UsageError } from '../usage-error';
import { UserError } from '../user-error';
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

export interface SampleFlags extends CommonFlags, SamplerFlags, WorkerFlags {
  readonly prompt: readonly string[];
  readonly prompts?: string;
  readonly count: number;
  readonly grid?: boolean;
  readonly base?: boolean;
  readonly out: string;
  readonly scheduler: SchedulerName;
  readonly latents?: string;
  readonly noise?: string;
  readonly trace?: string;
}

/** As many as file names have digits for. */
const LARGEST_COUNT = 1000;

export function addSampleFlags(command: Command): Command {
  return addWorkerFlags(addSamplerFlags(command))
    .description('draw images as PNG files')
    .option('--prompt <text>', 'what to draw; may be given many times, an image each', collect, [])
    .option('--prompts <file>', 'a text file with a prompt a line, # for comments; an image each')
    .option(
      '--count <n>',
      'images of each prompt, from other noise',
      wholeNumberFlag(1, LARGEST_COUNT),
      1,
    )
    .requiredOption('--out <folder>', 'folder of the images; it must be empty or not exist')
    .option('--grid', 'also write grid.png with the first 64 images')
    .option(
      '--base',
      'also draw with the untouched model, from the same noise, into OUT/base, and beside in grid.png',
    )
    .addOption(
      new Option(
        '--scheduler <name>',
        'how to draw, with its options from the model; ddim is the policy that is trained, whatever scheduler the ' +
          'model names; euler and dpm-solver++ are deterministic and take fewer steps',
      )
        .choices(SCHEDULER_NAMES)
        .default('ddim'),
    )
    .option('--latents <file>', 'start from its latents [b, channels, h, w], in safetensors')
    .option('--noise <file>', 'take the step noises from its noise [b, steps, channels, h, w]')
    .option(
      '--trace <file>',
      'write latents [b, steps + 1, channels, h, w], timesteps and, of ddim, log_probs and the noise of the steps, which --noise takes',
    );
}

/** @returns the exit code */
export async function sampleCommand(flags: SampleFlags, context: CommandContext): Promise<number> {
  const { output } = context;
  if (flags.prompt.length === 0 && flags.prompts === undefined) {
    throw new UsageError('sample needs at least one --prompt, or --prompts');
  }
  if (flags.base === true && flags.lora === undefined && flags.unet === undefined) {
    throw new UsageError(
      '--base draws beside an adapter, or another UNet: name one with --lora or --unet',
    );
  }
  checkRandomness(flags);
  for (const [flag, file] of [
    ['--latents', flags.latents],
    ['--noise', flags.noise],
  ] as const) {
    if (file !== undefined) checkSafetensorsFile(flag, file);
  }
  const prompts = [
    ...flags.prompt,
    ...(flags.prompts === undefined ? [] : await readPromptFile(flags.prompts)),
  ];
  const cluster = clusterFor(flags);
  const writes = isFirst(cluster);
  const reader = await resolveModel(flags.model, { output: output.error, quiet: flags.quiet });
  if (writes) checkOutputFolder(flags.out);
  if (flags.workers > 1) {
    const args = commandOfWorkers(context.argv);
    const { workers: count, workerPatience: patienceSeconds } = flags;
    const request = { count, maxRestarts: 0, folder: flags.out, patienceSeconds };
    return launchWorkers({ ...request, args, argsToGoOn: args }, context);
  }
  if (flags.trace !== undefined) {
    checkNewFile(flags.trace);
    checkWritable(dirname(flags.trace));
  }

  const sampler = await samplerOf(reader, flags, output);
  const interruption = listenForInterruption(
    context,
    'Ending; press Ctrl-C again to exit at once.',
  );
  const live = createLiveLine(flags.json === true ? output.error : output.out);
  const progress = createPhaseProgress();
  try {
    const rows = prompts.length * flags.count;
    const { signal } = interruption;
    await sayBackend(flags.backend, rows, flags, { cluster, signal });
    const { sampleImages } = await context.loadCore();
    const result = await sampleImages({
      model: flags.model,
      unet: flags.unet,
      lora: flags.lora,
      unetOnly: flags.unetOnly,
      prompts,
      count: flags.count,
      base: flags.base,
      grid: flags.grid === true || flags.base === true,
      seed: flags.seed,
      ...sampler,
      scheduler: flags.scheduler,
      eta: flags.eta ?? DEFAULT_ETA,
      height: flags.height,
      width: flags.width,
      vaeTiles: flags.vaeTiles,
      safety: flags.safety,
      backend: flags.backend,
      ...{ cluster, workerPatience: flags.workerPatience },
      out: flags.out,
      latents: flags.latents,
      noise: flags.noise,
      trace: flags.trace,
      onProgress: (phase, fraction) => {
        if (writes && flags.quiet !== true) live.show(progress.describe(phase, fraction));
      },
      signal: interruption.signal,
    });
    live.clear();
    if (!writes) return 0;
    sayWithheld(result, flags.safety, output);
    sayCutOff(result, output);
    if (flags.json === true) output.out.write(`${JSON.stringify(result)}\n`);
    else if (flags.quiet !== true) {
      for (const { file, prompt } of result.images) output.out.write(`${file}  ${prompt}\n`);
      if (result.grid !== undefined) output.out.write(`${result.grid}\n`);
      if (result.trace !== undefined) output.out.write(`${result.trace}\n`);
    }
    return 0;
  } finally {
    live.clear();
    interruption.release();
  }
}

function checkRandomness({ scheduler, eta, noise }: SampleFlags): void {
  if (scheduler === 'ddim') return;
  for (const [flag, value] of [
    ['--eta', eta],
    ['--noise', noise],
  ] as const) {
    if (value === undefined) continue;
    throw new UsageError(
      `${flag} is for --scheduler ddim: the steps of ${scheduler} have no randomness`,
    );
  }
}

function checkSafetensorsFile(flag: string, file: string): void {
  if (fileStatus(file)?.isFile() !== true) {
    throw new UserError(`${flag} names '${file}', which is not a file`);
  }
  if (!file.endsWith('.safetensors')) {
    throw new UserError(`${flag} takes a .safetensors file, not '${file}'`);
  }
}
