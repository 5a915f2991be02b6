/** `loop-diffusion sample`: images for prompts. */
import { dirname } from 'node:path';

import { Option, type Command } from 'commander';

import { SCHEDULER_NAMES, type SchedulerName } from '../api/drawing-options';
import { checkWritable } from '../files/check-writable';
import { fileStatus } from '../files/file-status';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { UsageError } from '../usage-error';
import { UserError } from '../user-error';
import { resolveModel } from '../weights/resolve-model';
import { collect } from './collect';
import type { CommandContext, CommonFlags } from './context';
import { listenForInterruption } from './interruption';
import { addSamplerFlags, DEFAULT_ETA, type SamplerFlags } from './sampler-flags';
import { sayBackend } from './say-backend';
import { sayWithheld } from './say-withheld';

export interface SampleFlags extends CommonFlags, SamplerFlags {
  readonly prompt: readonly string[];
  readonly out: string;
  readonly scheduler: SchedulerName;
  readonly latents?: string;
  readonly noise?: string;
  readonly trace?: string;
}

export function addSampleFlags(command: Command): Command {
  return addSamplerFlags(command)
    .description('draw images as PNG files')
    .option('--prompt <text>', 'what to draw; may be given many times, an image each', collect, [])
    .requiredOption('--out <folder>', 'folder of the images')
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
      'write latents [b, steps + 1, channels, h, w], timesteps and, of ddim, log_probs',
    );
}

/** @returns the exit code */
export async function sampleCommand(flags: SampleFlags, context: CommandContext): Promise<number> {
  const { output } = context;
  if (flags.prompt.length === 0) throw new UsageError('sample needs at least one --prompt');
  checkRandomness(flags);
  for (const [flag, file] of [
    ['--latents', flags.latents],
    ['--noise', flags.noise],
  ] as const) {
    if (file !== undefined) checkSafetensorsFile(flag, file);
  }
  await resolveModel(flags.model, { output: output.error, quiet: flags.quiet });
  checkWritable(flags.out);
  if (flags.trace !== undefined) checkWritable(dirname(flags.trace));

  const interruption = listenForInterruption(context);
  const live = createLiveLine(flags.json === true ? output.error : output.out);
  const progress = createPhaseProgress();
  try {
    await sayBackend(flags.backend, flags.prompt.length, flags);
    const { sampleImages } = await context.loadCore();
    const result = await sampleImages({
      model: flags.model,
      unet: flags.unet,
      lora: flags.lora,
      unetOnly: flags.unetOnly,
      prompts: flags.prompt,
      seed: flags.seed,
      steps: flags.steps,
      scheduler: flags.scheduler,
      eta: flags.eta ?? DEFAULT_ETA,
      guidance: flags.guidance,
      height: flags.height,
      width: flags.width,
      vaeTiles: flags.vaeTiles,
      safety: flags.safety,
      backend: flags.backend,
      out: flags.out,
      latents: flags.latents,
      noise: flags.noise,
      trace: flags.trace,
      onProgress: (phase, fraction) => {
        if (flags.quiet !== true) live.show(progress.describe(phase, fraction));
      },
      signal: interruption.signal,
    });
    live.clear();
    sayWithheld(result, flags.safety, output);
    if (flags.json === true) output.out.write(`${JSON.stringify(result)}\n`);
    else if (flags.quiet !== true) {
      for (const { file, prompt } of result.images) output.out.write(`${file}  ${prompt}\n`);
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
