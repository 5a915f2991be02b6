/** Flags that name files and folders. */
import type { Command } from 'commander';

import { homePath } from '../files/home-path';

const NAMES = [
  'model',
  'unet',
  'lora',
  'prompts',
  'out',
  'latents',
  'noise',
  'trace',
  'fromCheckpoint',
];

/**
 * A shell puts the user's home in the place of `~` only where a word begins, so not in `--out=~/images`.
 * @throws UserError for a path with a variable in it
 */
export function expandPathFlags(command: Command): void {
  for (const name of NAMES) {
    const value: unknown = command.getOptionValue(name);
    const expanded = (path: unknown) =>
      typeof path === 'string' ? homePath(path, flagOf(name)) : path;
    command.setOptionValue(name, Array.isArray(value) ? value.map(expanded) : expanded(value));
  }
}

function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
