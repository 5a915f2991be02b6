/** An adapter with its weight, as `--lora` names it. */
import { fileStatus } from '../files/file-status';
import { UserError } from '../user-error';

export interface LoraArgument {
  /** A safetensors file, or a folder that holds one. */
  readonly path: string;
  /** Of the adapter's change; 1 is the adapter as it is, and a negative one goes the other way. */
  readonly weight: number;
}

const WEIGHTED = /^(?<path>.+):(?<weight>[^:/\\]*)$/;

/**
 * @param text `FILE` or `FILE:WEIGHT`; what exists under the whole name is a file with a colon in its name
 * @throws UserError when a file is followed by what is no number
 */
export function parseLoraArgument(text: string): LoraArgument {
  const { path, weight: given } = WEIGHTED.exec(text)?.groups ?? {};
  if (path === undefined || given === undefined || fileStatus(text) !== undefined) {
    return { path: text, weight: 1 };
  }
  const weight = given.trim() === '' ? Number.NaN : Number(given);
  if (Number.isFinite(weight)) return { path, weight };
  if (fileStatus(path) === undefined) return { path: text, weight: 1 };
  throw new UserError(
    `The weight of --lora '${text}' must be a number after the colon, such as '${path}:0.8'`,
  );
}
