/** A model with another UNet in the place of its own, as `--unet` names it. */
import { join } from 'node:path';

import type { FileReader } from '@loop-diffusion/diffusion-models';

import { fileStatus } from '../files/file-status';
import { nodeFolderReader } from '../files/node-folder-reader';
import { UserError } from '../user-error';
import { ADAPTER_FILE } from './adapter-file';

/** Where a model's folder has its UNet. */
const PART = 'unet/';

/**
 * @param model as it would be read
 * @param folder of a run that trained all weights, of its UNet, or of any diffusers model; none leaves the model as it is
 * @throws UserError when there is no UNet
 */
export function withUNetOf(model: FileReader, folder: string | undefined): FileReader {
  if (folder === undefined) return model;
  const unet = nodeFolderReader(unetFolder(folder));
  const route = (path: string): [reader: FileReader, path: string] =>
    path.startsWith(PART) ? [unet, path.slice(PART.length)] : [model, path];
  return {
    name: `${model.name} with the UNet of ${folder}`,
    read(path) {
      const [reader, at] = route(path);
      return reader.read(at);
    },
    exists(path) {
      const [reader, at] = route(path);
      return reader.exists(at);
    },
    ...(model.open !== undefined && {
      open(path) {
        const [reader, at] = route(path);
        return (reader as Required<FileReader>).open(at);
      },
    }),
  };
}

function unetFolder(folder: string): string {
  const found = [join(folder, PART), folder].find(
    (candidate) => fileStatus(join(candidate, 'config.json'))?.isFile() === true,
  );
  if (found !== undefined) return found;
  const hasAdapter = [folder, join(folder, 'adapter')].some(
    (candidate) => fileStatus(join(candidate, ADAPTER_FILE)) !== undefined,
  );
  throw new UserError(
    hasAdapter
      ? `'${folder}' holds an adapter and no UNet; pass it as --lora`
      : `'${folder}' holds no UNet (unet/config.json): --unet takes the folder of a run with lora: null, or a diffusers folder`,
  );
}
