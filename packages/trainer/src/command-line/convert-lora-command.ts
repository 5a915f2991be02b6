/** `loop-diffusion convert-lora`: an adapter in the layout that another program reads. */
import { Option, type Command } from 'commander';

import type { LoraLayout } from '../api/convert-lora';
import { UsageError } from '../usage-error';
import { resolveModel } from '../weights/resolve-model';
import type { CommandContext, CommonFlags } from './context';
import { UNET_ONLY_FLAG } from './sampler-flags';

export interface ConvertLoraFlags extends CommonFlags {
  readonly model: string;
  readonly lora: string;
  readonly to: LoraLayout;
  readonly out: string;
  readonly unetOnly?: boolean;
}

const LAYOUTS: readonly LoraLayout[] = ['diffusers', 'kohya'];

export function addConvertLoraFlags(command: Command): Command {
  return command
    .description('write an adapter in the layout of diffusers, or of kohya, ComfyUI and web UIs')
    .requiredOption('--model <model>', 'the model that the adapter is for, as for sample')
    .requiredOption('--lora <file>', 'an adapter in safetensors, or the folder that holds it')
    .addOption(
      new Option('--to <layout>', 'the layout to write').choices(LAYOUTS).makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'the .safetensors file to write; it must not exist')
    .option('--unet-only', UNET_ONLY_FLAG);
}

/** @returns the exit code */
export async function convertLoraCommand(
  flags: ConvertLoraFlags,
  { output }: CommandContext,
): Promise<number> {
  if (!flags.out.endsWith('.safetensors')) {
    throw new UsageError(`--out must end with .safetensors, and '${flags.out}' does not`);
  }
  await resolveModel(flags.model, { output: output.error, quiet: flags.quiet });
  const { convertLora } = await import('../api/convert-lora');
  const { model, lora, to, out, unetOnly } = flags;
  const converted = await convertLora({ model, lora, to, out, unetOnly });
  if (flags.json === true) output.out.write(`${JSON.stringify(converted)}\n`);
  else if (flags.quiet !== true) {
    const { file, modules, rank, alpha } = converted;
    output.out.write(
      `Wrote ${file}: ${String(modules)} modules, rank ${String(rank)}, alpha ${String(alpha)}, layout of ${to}\n`,
    );
  }
  return 0;
}
