/** What `--model` and the configuration's `model` mean. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { FileReader } from '@loop-diffusion/diffusion-models';
import {
  diffusersFiles,
  HubError,
  hubSettings,
  hubSnapshot,
  isHubName,
  parseHubName,
  type HubName,
  type HubSettings,
  type HubSnapshot,
} from '@loop-diffusion/hub';
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';

import { fileStatus } from '../files/file-status';
import { maximumModelFileBytes, nodeFolderReader } from '../files/node-folder-reader';
import { createDownloadProgress } from '../terminal/download-progress';
import type { OutputStream } from '../terminal/output';
import { UserError } from '../user-error';

const PICKLED_WEIGHTS = /\.(bin|pt|pth|ckpt|pkl)$/i;

/** What a download says, and where: by default all, on stderr. */
export interface ResolveModelOptions {
  readonly output?: OutputStream;
  readonly quiet?: boolean | undefined;
  /** Those that a model on the hub is asked for; a whole model where left out. */
  readonly files?: readonly string[] | undefined;
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
  return isHubName(model) ? resolveHubModel(model, options) : resolveFolder(model);
}

async function resolveHubModel(
  model: string,
  { output = process.stderr, quiet = false, files }: ResolveModelOptions,
): Promise<FileReader> {
  let key = '';
  try {
    const name = parseHubName(model);
    if (name.type !== 'model') {
      throw new UserError(`'${model}' is a dataset; a model was expected, as hf:owner/name`);
    }
    const settings = hubSettings();
    key = JSON.stringify([settings.endpoint, settings.cacheFolder, model, files]);
    const reader = fromHub.get(key) ?? fetchModel(name, settings, { output, quiet, files });
    fromHub.set(key, reader);
    return await reader;
  } catch (error) {
    fromHub.delete(key);
    throw error instanceof HubError ? new UserError(error.message, { cause: error }) : error;
  }
}

async function fetchModel(
  name: HubName,
  settings: HubSettings,
  { output, quiet = false, files }: ResolveModelOptions & { readonly output: OutputStream },
): Promise<FileReader> {
  const progress = createDownloadProgress(output, { name: name.text, quiet });
  try {
    const snapshot = await hubSnapshot({
      ...name,
      settings,
      files: files ?? diffusersFiles,
      maximumBytes: maximumModelFileBytes,
      check: files === undefined ? checkConfigs : undefined,
      onProgress: (told) => progress.report(told),
      onNote: (note) => output.write(`${note}\n`),
    });
    return readerOf(snapshot);
  } finally {
    progress.close();
  }
}

function readerOf({ folder, cacheFolder }: HubSnapshot): FileReader {
  return nodeFolderReader(folder, { within: cacheFolder });
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
    const remedy =
      fileStatus(join(model, 'snapshots'))?.isDirectory() === true
        ? "; the hub's cache has its models in the folders of 'snapshots', and hf:owner/name finds them"
        : '';
    throw new UserError(
      `The folder '${model}' has no model_index.json, so it is not a diffusers folder${remedy}`,
    );
  }
  return nodeFolderReader(model);
}

function embeddedFolder(): string {
  const folder: string | URL = shapesModelFolder();
  return typeof folder === 'string' ? folder : fileURLToPath(folder);
}
