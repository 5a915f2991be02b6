/** `loop-diffusion merge`: a model of its own from a model and adapters, or another UNet. */
import { Option, type Command } from 'commander';

import { checkNewFolder } from '../files/write-folder-atomically';
import { UsageError } from '../usage-error';
import { parseLoraArgument } from '../weights/lora-argument';
import { resolveModel } from '../weights/resolve-model';
import type { CommandContext, CommonFlags } from './context';
import { listenForInterruption } from './interruption';
import { MODEL_FLAG, UNET_FLAG, UNET_ONLY_FLAG } from './sampler-flags';

export interface MergeFlags extends CommonFlags {
  readonly model: string;
  readonly unet?: string;
  readonly lora: readonly string[];
  readonly out: string;
  readonly dtype: 'f32' | 'f16';
  readonly unetOnly?: boolean;
}

export function addMergeFlags(command: Command): Command {
  return command
    .description(
      'write a diffusers folder of a model with adapters added to its weights, or with another UNet',
    )
    .requiredOption('--model <model>', MODEL_FLAG)
    .option('--unet <folder>', UNET_FLAG)
    .option(
      '--lora <file[:weight]>',
      'an adapter in safetensors, or the folder that holds it; may be given many times',
      (value: string, previous: readonly string[]) => [...previous, value],
      [] as readonly string[],
    )
    .option('--unet-only', UNET_ONLY_FLAG)
    .requiredOption('--out <folder>', 'the folder to write; it must not exist')
    .addOption(
      new Option('--dtype <type>', 'numbers of the weights').choices(['f32', 'f16']).default('f32'),
    );
}

/** @returns the exit code */
export async function mergeCommand(flags: MergeFlags, context: CommandContext): Promise<number> {
  const { output } = context;
  if (flags.lora.length === 0 && flags.unet === undefined) {
    throw new UsageError('merge needs at least one --lora, or --unet');
  }
  checkNewFolder(flags.out);
  const loras = flags.lora.map(parseLoraArgument);
  await resolveModel(flags.model, { output: output.error, quiet: flags.quiet });
  const interruption = listenForInterruption(
    context,
    'Ending without a folder; press Ctrl-C again to exit at once.',
  );
  try {
    const { mergeModel } = await import('../api/merge-model');
    const merged = await mergeModel({
      model: flags.model,
      unet: flags.unet,
      loras,
      unetOnly: flags.unetOnly,
      out: flags.out,
      dtype: flags.dtype === 'f16' ? 'F16' : 'F32',
      signal: interruption.signal,
    });
    if (flags.json === true) output.out.write(`${JSON.stringify(merged)}\n`);
    else if (flags.quiet !== true) {
      const parts = [
        flags.unet === undefined ? flags.model : `${flags.model} with the UNet of ${flags.unet}`,
        ...loras.map(({ path, weight }) => `${String(weight)} × ${path}`),
      ];
      output.out.write(`Wrote ${merged.folder}: ${parts.join(' + ')}\n`);
    }
    return 0;
  } finally {
    interruption.release();
  }
}
