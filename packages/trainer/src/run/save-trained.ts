/** What a run leaves for diffusers. */
import { join } from 'node:path';

import { formatUNetConfig } from '@loop-diffusion/diffusion-models';

import { writeFileAtomically } from '../files/write-atomically';
import type { Policy } from '../policy/policy';
import { ADAPTER_FILE } from '../weights/adapter-file';
import { writeTrainedFile } from '../weights/trained-file';
import { UNET_FILE } from '../weights/unet-file';

/**
 * Writes the adapter into `adapter/`, as diffusers' `load_lora_weights` reads it; or the UNet that was trained as a whole into
 * `unet/`, as `UNet2DConditionModel.from_pretrained` does.
 */
export function saveTrained(policy: Policy, output: string): void {
  const { unet, adapter } = policy;
  const write = (path: string, contents: Uint8Array | string): void => {
    writeFileAtomically(join(output, path), contents);
  };
  if (adapter !== undefined) {
    write(`adapter/${ADAPTER_FILE}`, writeTrainedFile(policy));
    return;
  }
  // The same at every time, so that the two files always go together.
  write('unet/config.json', `${JSON.stringify(formatUNetConfig(unet.config), null, 2)}\n`);
  write(`unet/${UNET_FILE}`, writeTrainedFile(policy));
}
