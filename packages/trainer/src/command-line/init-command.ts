/** `loop-diffusion init`: a configuration file to start from. */
import { dirname } from 'node:path';

import type { Command } from 'commander';

import { configTemplate } from '../configuration/config-template';
import { checkNewFile } from '../files/check-output-folder';
import { writeFileAtomically } from '../files/write-atomically';
import { defaultOutput } from '../run-folder/default-output';
import type { CommandContext, CommonFlags } from './context';
import { schemaPathFrom } from './schema-path';

const DEFAULT_FILE = 'loop-diffusion.yaml';

export function addInitFlags(command: Command): Command {
  return command
    .description('write a configuration with every key at its default, and what it means')
    .argument('[FILE]', 'the file to write; it must not exist', DEFAULT_FILE);
}

/** @returns the exit code */
export function initCommand(file: string, flags: CommonFlags, { output }: CommandContext): number {
  checkNewFile(file);
  writeFileAtomically(file, configTemplate(schemaPathFrom(dirname(file))));
  if (flags.json === true) output.out.write(`${JSON.stringify({ file })}\n`);
  else if (flags.quiet !== true) {
    output.out.write(
      `Wrote ${file}; "loop-diffusion train ${file}" runs it, into ${defaultOutput(file)}.\n`,
    );
  }
  return 0;
}
