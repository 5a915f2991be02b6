import {
  loraFromSafetensors,
  type LoraAdapter,
  type Shaped,
} from '@loop-diffusion/diffusion-models';

import { UserError } from '../user-error';

/**
 * An adapter of which the file was read, for a model.
 *
 * @param path of the file, for messages
 * @param unet weights of the model's UNet, or their shapes
 * @throws UserError when it is none, or one of another model
 */
export function openAdapter(path: string, bytes: Uint8Array, unet: Shaped): LoraAdapter {
  try {
    return loraFromSafetensors(bytes, unet);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`The adapter '${path}' cannot be used: ${reason}`, { cause: error });
  }
}
