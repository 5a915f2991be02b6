/** Defaults that a model brings with it, said before the work begins. */
import { settingsInWords, type ModelDefaults } from '../configuration/model-defaults';
import type { Output } from '../terminal/output';
import type { CommonFlags } from './context';

/** @param settings those of the defaults that this command has */
export function sayDefaults(
  { name }: ModelDefaults,
  settings: object,
  flags: CommonFlags,
  output: Output,
): void {
  if (flags.quiet === true) return;
  output.error.write(`${name}; where nothing else is set: ${settingsInWords(settings)}\n`);
}
