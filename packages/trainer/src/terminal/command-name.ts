/** What a person types to run this program again. */

/** Under npm, as `npx loop-diffusion` or a script, the bare name is not on the shell's path. */
export function commandName(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  return environment['npm_lifecycle_event'] === undefined ? 'loop-diffusion' : 'npx loop-diffusion';
}
