/** What `--model` and the configuration's `model` mean. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { FileReader } from '@loop-diffusion/diffusion-models';
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';

import { fileStatus } from '../files/file-status';
import { nodeFolderReader } from '../files/node-folder-reader';
import { isHubModel, parseHubModel } from '../hub/hub-model';
import { hubSettings } from '../hub/hub-settings';
import { hubSnapshot, type HubSnapshot } from '../hub/hub-snapshot';
import type { OutputStream } from '../terminal/output';
import { UserError } from '../user-error';

const PICKLED_WEIGHTS = /\.(bin|pt|pth|ckpt|pkl)$/i;

/** What a download says, and where: by default all, on stderr. */
export interface ResolveModelOptions {
  readonly output?: OutputStream;
  readonly quiet?: boolean | undefined;
}

/** A branch may move while a process runs; what it asked for once stays what it was. */
const fromHub = new Map<string, Promise<FileReader>>();

/**
 * @param model `shapes`, the path of a diffusers folder, or `hf:owner/name[@revision]`, which is fetched into the hub's cache
 * @throws UserError when it is none of them, in particular for single weight files, and when it cannot be fetched
 */
export async function resolveModel(
  model: string,
  options: ResolveModelOptions = {},
): Promise<FileReader> {
  if (model === 'shapes') return nodeFolderReader(embeddedFolder());
  return isHubModel(model) ? resolveHubModel(model, options) : resolveFolder(model);
}

async function resolveHubModel(
  model: string,
  { output = process.stderr, quiet }: ResolveModelOptions,
): Promise<FileReader> {
  const parsed = parseHubModel(model);
  const settings = hubSettings();
  const key = JSON.stringify([settings.endpoint, settings.cacheFolder, model]);
  const reader =
    fromHub.get(key) ??
    hubSnapshot(parsed, settings, { output, quiet, check: checkConfigs }).then(readerOf);
  fromHub.set(key, reader);
  try {
    return await reader;
  } catch (error) {
    fromHub.delete(key);
    throw error;
  }
}

function readerOf({ folder, repository }: HubSnapshot): FileReader {
  return nodeFolderReader(folder, { within: repository });
}

/** A model that cannot be loaded is refused before its gigabytes come. */
async function checkConfigs(snapshot: HubSnapshot): Promise<void> {
  // Not before it is needed: every command looks at its model, and most are not on the hub.
  const { checkModelConfigs } = await import('./check-model-configs');
  await checkModelConfigs(readerOf(snapshot));
}

function resolveFolder(model: string): FileReader {
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
    throw new UserError(
      `The model '${model}' does not exist; pass shapes, a diffusers folder or hf:owner/name`,
    );
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
