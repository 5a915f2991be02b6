import { readStableDiffusionConfigs, type FileReader } from '@loop-diffusion/diffusion-models';

import { UserError } from '../user-error';

/** @throws UserError that says what of a model's configurations is not supported, missing or damaged */
export async function checkModelConfigs(reader: FileReader): Promise<void> {
  try {
    await readStableDiffusionConfigs(reader);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
