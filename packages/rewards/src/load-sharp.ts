/** sharp, which encodes and reads pictures, loaded with the first of them and not with the package. */
import type sharp from 'sharp';

type Sharp = typeof sharp;

let loading: Promise<Sharp> | undefined;

/**
 * @throws {Error} in one sentence, with the line that installs it, where sharp or its binary for this machine is missing:
 * the binary is an optional dependency, which `npm install --omit=optional` leaves out
 */
export async function loadSharp(): Promise<Sharp> {
  loading ??= import('sharp').then((module) => module.default);
  try {
    return await loading;
  } catch (error) {
    throw new Error(
      `Pictures cannot be encoded or read without sharp and its binary for ${process.platform}-${process.arch}: ` +
        'npm install --include=optional sharp',
      { cause: error },
    );
  }
}
