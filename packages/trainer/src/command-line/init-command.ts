/** `loop-diffusion init`: a configuration file to start from. */
import { dirname } from 'node:path';

import type { Command } from 'commander';

import type { TrainSettings } from '../configuration/schema';
import { commandName } from '../terminal/command-name';
import type { Output } from '../terminal/output';
import { configTemplate } from '../configuration/config-template';
import { checkNewFile } from '../files/check-output-folder';
import { writeFileAtomically } from '../files/write-atomically';
import { MODEL_DEFAULTS_FILES, readModelDefaults } from '../weights/model-defaults';
import { resolveModel } from '../weights/resolve-model';
import { defaultOutput } from '../run-folder/default-output';
import type { CommandContext, CommonFlags } from './context';
import { MODEL_FLAG } from './sampler-flags';
import { schemaPathFrom } from './schema-path';

const DEFAULT_FILE = 'loop-diffusion.yaml';

export function addInitFlags(command: Command): Command {
  return command
    .description('write a configuration with every key at its default, and what it means')
    .argument('[FILE]', 'the file to write; it must not exist', DEFAULT_FILE)
    .option('--model <model>', `for this model: ${MODEL_FLAG}`);
}

export interface InitFlags extends CommonFlags {
  readonly model?: string;
}

/** @returns the exit code */
export async function initCommand(
  file: string,
  flags: InitFlags,
  { output }: CommandContext,
): Promise<number> {
  checkNewFile(file);
  const settings = flags.model === undefined ? {} : await settingsOf(flags.model, flags, output);
  writeFileAtomically(file, configTemplate(schemaPathFrom(dirname(file)), settings));
  if (flags.json === true) output.out.write(`${JSON.stringify({ file })}\n`);
  else if (flags.quiet !== true) {
    output.out.write(
      `Wrote ${file}; "${commandName()} train ${file}" runs it, into ${defaultOutput(file)}.\n`,
    );
  }
  return 0;
}

async function settingsOf(model: string, flags: InitFlags, output: Output): Promise<TrainSettings> {
  const reader = await resolveModel(model, {
    ...{ output: output.error, quiet: flags.quiet },
    files: MODEL_DEFAULTS_FILES,
  });
  return { model, ...(await readModelDefaults(reader))?.settings };
}
