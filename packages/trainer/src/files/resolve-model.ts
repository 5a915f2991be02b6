/** What `--model` and the configuration's `model` mean. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { FileReader } from '@loop-diffusion/diffusion-models';
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';

import { fileStatus } from './file-status';
import { nodeFolderReader } from './node-folder-reader';
import { UserError } from '../user-error';

const PICKLED_WEIGHTS = /\.(bin|pt|pth|ckpt|pkl)$/i;

/**
 * @param model `shapes`, or the path of a diffusers folder
 * @throws UserError when it is neither, in particular for single weight files
 */
export function resolveModel(model: string): FileReader {
  if (model === 'shapes') return nodeFolderReader(embeddedFolder());
  if (model.startsWith('hf:')) {
    throw new UserError(
      `'${model}' names a model on the Hugging Face Hub, which this version does not download; download it yourself and pass the folder`,
    );
  }
  const status = fileStatus(model);
  if (PICKLED_WEIGHTS.test(model)) {
    throw new UserError(
      `'${model}' is a pickled weight file, which can run code when it is opened and is never read; pass a diffusers folder with safetensors weights`,
    );
  }
  if (/\.safetensors$/i.test(model)) {
    throw new UserError(
      `'${model}' is a single weight file; pass a diffusers folder (model_index.json, unet/, vae/, text_encoder/, tokenizer/, scheduler/)`,
    );
  }
  if (status === undefined) {
    throw new UserError(`The model '${model}' does not exist; pass shapes or a diffusers folder`);
  }
  if (!status.isDirectory()) {
    throw new UserError(`The model '${model}' is a file; a diffusers folder was expected`);
  }
  const index = fileStatus(join(model, 'model_index.json'));
  if (index?.isFile() !== true) {
    throw new UserError(
      `The folder '${model}' has no model_index.json, so it is not a diffusers folder`,
    );
  }
  return nodeFolderReader(model);
}

function embeddedFolder(): string {
  const folder: string | URL = shapesModelFolder();
  return typeof folder === 'string' ? folder : fileURLToPath(folder);
}
