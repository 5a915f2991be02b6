/** The one place where the trainer chooses what computes. */
import {
  useBestBackend,
  type BackendChoice,
  type Precision,
} from '@loop-diffusion/native-tensorflow';

import { backendOptions } from '../configuration/backend-options';
import type { BackendSetting } from '../configuration/schema';

/**
 * @param rows of the smallest batch that is worked on
 * @param options.quiet do not say on standard error what serves, and what of this could not be had
 * @throws NativeTensorflowError when the backend asked for by name cannot be had
 */
export async function startBackend(
  backend: BackendSetting,
  rows: number,
  { precision, quiet = true }: { precision?: Precision | undefined; quiet?: boolean } = {},
): Promise<BackendChoice> {
  return useBestBackend({ ...backendOptions(backend, rows, precision), quiet });
}
