/** A LoRA file, as `--lora` names it. */
import { join } from 'node:path';

import { fileStatus } from '../files/file-status';
import { readBytes } from '../files/read-bytes';
import { UserError } from '../user-error';
import { ADAPTER_FILE } from './adapter-file';
import { CHECKPOINT_UNET_FILE, UNET_FILE } from './unet-file';

const MAXIMUM_BYTES = 4 * 1024 ** 3;

/**
 * @param path a safetensors file, a folder with `pytorch_lora_weights.safetensors`, or a run's folder
 * @throws UserError when there is none
 */
export function readAdapterFile(path: string): Promise<Uint8Array> {
  const candidates = [join(path, ADAPTER_FILE), join(path, 'adapter', ADAPTER_FILE)];
  const isFolder = fileStatus(path)?.isDirectory() === true;
  const file = isFolder ? candidates.find((candidate) => fileStatus(candidate)?.isFile()) : path;
  if (file === undefined) {
    const unets = [UNET_FILE, join('unet', UNET_FILE), CHECKPOINT_UNET_FILE];
    if (unets.some((name) => fileStatus(join(path, name)) !== undefined)) {
      throw new UserError(
        `'${path}' holds no adapter: the run trained all weights of the UNet. sample, evaluate and merge take it as --unet, and what merge writes is a model to train further`,
      );
    }
    throw new UserError(`The folder '${path}' holds no adapter (${ADAPTER_FILE})`);
  }
  if (!file.endsWith('.safetensors')) {
    throw new UserError(
      `'${file}' is not a safetensors file; adapters in pickled formats (.bin, .pt, .ckpt) can run code when they are opened and are never read`,
    );
  }
  return readBytes(file, { what: 'adapter', maximumBytes: MAXIMUM_BYTES });
}
