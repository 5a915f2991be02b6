/** Names, in a configuration, of what was given from code. */

/** Begins each; no file or module is called so. */
export const FROM_CODE = 'code:';

/** Whether a configuration's name is of an object that only code has. */
export function isFromCode(name: string): boolean {
  return name.startsWith(FROM_CODE);
}
