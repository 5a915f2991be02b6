/** A LoRA file, as `--lora` names it. */
import { basename, dirname, join } from 'node:path';

import type { LoraFileOptions } from '@loop-diffusion/diffusion-models';

import { fileStatus } from '../files/file-status';
import { readBytes } from '../files/read-bytes';
import { UserError } from '../user-error';
import { ADAPTER_FILE, PEFT_ADAPTER_FILE, PEFT_CONFIG_FILE } from './adapter-file';
import { CHECKPOINT_UNET_FILE, UNET_FILE } from './unet-file';

const MAXIMUM_BYTES = 4 * 1024 ** 3;
const MAXIMUM_CONFIG_BYTES = 1024 ** 2;

/** An adapter's file, and what the files beside it say of it. */
export interface AdapterFile {
  readonly bytes: Uint8Array;
  readonly settings: Pick<LoraFileOptions, 'adapterConfig' | 'alphaRequired'>;
}

/**
 * @param path a safetensors file, a folder with `pytorch_lora_weights.safetensors` or peft's `adapter_model.safetensors`, or a run's
 *   folder
 * @throws UserError when there is none
 */
export async function readAdapterFile(path: string): Promise<AdapterFile> {
  const file = findAdapterFile(path);
  const bytes = await readBytes(file, { what: 'adapter', maximumBytes: MAXIMUM_BYTES });
  const alphaRequired = basename(file) === PEFT_ADAPTER_FILE;
  const config = join(dirname(file), PEFT_CONFIG_FILE);
  if (fileStatus(config)?.isFile() !== true) return { bytes, settings: { alphaRequired } };
  return { bytes, settings: { alphaRequired, adapterConfig: await readConfig(config) } };
}

function findAdapterFile(path: string): string {
  const status = fileStatus(path);
  if (status === undefined) {
    throw new UserError(
      path.startsWith('hf:')
        ? `The adapter '${path}' cannot be fetched: hf: is for models. Fetch its file, and pass its path`
        : `Cannot read the adapter '${path}': it does not exist; pass a .safetensors file, or the folder that holds one`,
    );
  }
  const candidates = [
    join(path, ADAPTER_FILE),
    join(path, 'adapter', ADAPTER_FILE),
    join(path, PEFT_ADAPTER_FILE),
  ];
  const file = status.isDirectory()
    ? candidates.find((candidate) => fileStatus(candidate)?.isFile())
    : path;
  if (file === undefined) {
    const unets = [UNET_FILE, join('unet', UNET_FILE), CHECKPOINT_UNET_FILE];
    if (unets.some((name) => fileStatus(join(path, name)) !== undefined)) {
      throw new UserError(
        `'${path}' holds no adapter: the run trained all weights of the UNet. sample, evaluate and merge take it as --unet, and what merge writes is a model to train further`,
      );
    }
    const hint =
      fileStatus(join(path, 'checkpoints'))?.isDirectory() === true
        ? `a run leaves it at its end, and until then each of its folders in '${join(path, 'checkpoints')}' has one`
        : 'pass the file itself if it has another name';
    throw new UserError(
      `The folder '${path}' holds no adapter (${ADAPTER_FILE}, or peft's ${PEFT_ADAPTER_FILE}); ${hint}`,
    );
  }
  if (!file.endsWith('.safetensors')) {
    throw new UserError(
      `'${file}' is not a safetensors file; adapters in pickled formats (.bin, .pt, .ckpt) can run code when they are opened and are never read`,
    );
  }
  return file;
}

async function readConfig(file: string): Promise<unknown> {
  const bytes = await readBytes(file, {
    what: "adapter's settings",
    maximumBytes: MAXIMUM_CONFIG_BYTES,
  });
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch (error) {
    throw new UserError(`'${file}' is not valid JSON; fetch it again`, { cause: error });
  }
}
