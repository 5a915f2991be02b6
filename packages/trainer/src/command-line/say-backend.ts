/** Which backend serves, said before the work begins. */
import { useBestBackend } from '@loop-diffusion/native-tensorflow';

import type { BackendSetting } from '../configuration/schema';
import type { CommonFlags } from './context';

/** @throws NativeTensorflowError when the backend asked for by name cannot be had */
export async function sayBackend(backend: BackendSetting, flags: CommonFlags): Promise<void> {
  await useBestBackend({
    backend: backend === 'auto' ? undefined : backend,
    quiet: flags.quiet === true,
  });
}
