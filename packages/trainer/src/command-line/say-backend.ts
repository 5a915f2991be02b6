/** Which backend serves, said before the work begins. */
import type { Precision } from '@loop-diffusion/native-tensorflow';

import type { BackendSetting } from '../configuration/schema';
import { startBackend } from '../weights/start-backend';
import type { CommonFlags } from './context';

/**
 * @param rows of the smallest batch that the command works on
 * @throws NativeTensorflowError when the backend asked for by name cannot be had
 */
export async function sayBackend(
  backend: BackendSetting,
  rows: number,
  flags: CommonFlags,
  precision?: Precision,
): Promise<void> {
  await startBackend(backend, rows, { precision, quiet: flags.quiet === true });
}
