import {
  loraFromSafetensors,
  type LoraAdapter,
  type Shaped,
} from '@loop-diffusion/diffusion-models';

import { UserError } from '../user-error';
import type { AdapterFile } from './read-adapter-file';

export interface OpenAdapterOptions {
  /** Read the UNet's part of an adapter that changes the text encoder too, which is refused else. */
  readonly unetOnly?: boolean | undefined;
}

/**
 * An adapter of which the file was read, for a model.
 *
 * @param path of the file, for messages
 * @param unet weights of the model's UNet, or their shapes
 * @throws UserError when it is none, or one of another model
 */
export function openAdapter(
  path: string,
  { bytes, settings }: AdapterFile,
  unet: Shaped,
  { unetOnly }: OpenAdapterOptions = {},
): LoraAdapter {
  try {
    return loraFromSafetensors(bytes, unet, { ...settings, ignoreTextEncoder: unetOnly });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = reason.includes('(ignoreTextEncoder)')
      ? ' (--unet-only; of an adapter to train further, convert-lora --unet-only writes it)'
      : '';
    throw new UserError(
      `The adapter '${path}' cannot be used: ${reason.replace(' (ignoreTextEncoder)', remedy)}`,
      { cause: error },
    );
  }
}
