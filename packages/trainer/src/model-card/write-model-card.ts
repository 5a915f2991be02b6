/**
 * Makes the folder of a run's adapter, or of its UNet, ready to be uploaded.
 *
 * Only `tracking` and `command-line` may import this folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import { isHubName, parseHubName } from '@loop-diffusion/hub';
import { encodePng, type Image } from '@loop-diffusion/rewards';

import type { TrainConfig } from '../configuration/schema';
import { imageFileName } from '../files/image-file-name';
import type { RunSummary } from '../run-folder/records';
import type { RunFolder } from '../run-folder/run-folder';
import { ADAPTER_FILE } from '../weights/adapter-file';
import { resolveModel } from '../weights/resolve-model';
import { UNET_FILE } from '../weights/unet-file';
import { modelCard, type ModelCardFacts } from './model-card';

/** Images that were drawn with what was trained, and the file of their grid in the run's folder. */
export interface DrawnSamples {
  readonly file: string;
  readonly images: readonly Image[];
  readonly prompts: readonly string[];
}

/** Pictures in the metadata; a hub shows them large. */
const PICTURES = 4;

/** The folder of what was trained, in the run's, and the file of its weights. */
function resultOf({ lora }: TrainConfig): { result: string; weights: string } {
  return lora === null
    ? { result: 'unet', weights: UNET_FILE }
    : { result: 'adapter', weights: ADAPTER_FILE };
}

/** Where the card of a run with this configuration goes. */
export function modelCardFile(config: TrainConfig): string {
  return `${resultOf(config).result}/README.md`;
}

/** Writes `adapter/README.md`, or `unet/README.md`, and the pictures that it shows beside it, for a run that has left weights. */
export async function writeModelCard(
  folder: RunFolder,
  facts: { config: TrainConfig; summary: RunSummary; samples: DrawnSamples | undefined },
): Promise<void> {
  const { config, summary, samples } = facts;
  const { result, weights } = resultOf(config);
  if (!existsSync(join(folder.path, result, weights))) return;

  /** @returns the name beside the card, or undefined where the run has no such file */
  function copy(file: string | undefined, name: string): string | undefined {
    if (file === undefined || !existsSync(join(folder.path, file))) return undefined;
    folder.write(`${result}/${name}`, readFileSync(join(folder.path, file)));
    return name;
  }

  const pictures = await Promise.all(
    (samples?.images ?? []).slice(0, PICTURES).map(async (image, index) => {
      const prompt = samples?.prompts[index] ?? '';
      const file = `images/${imageFileName(index, prompt)}`;
      folder.write(`${result}/${file}`, await encodePng(image));
      return { prompt, file };
    }),
  );
  folder.write(
    modelCardFile(config),
    modelCard({
      config,
      summary,
      ...(await findBase(config.model, join(folder.path, result))),
      pictures,
      samples: copy(samples?.file, 'samples.png'),
      curves: copy('curves.png', 'curves.png'),
    }),
  );
}

interface BaseModel {
  /** Its name on the Hub, where it has one. */
  readonly baseModel: string | undefined;
  readonly base: ModelCardFacts['base'];
}

/** @param card the folder from which the card's commands are given */
async function findBase(model: string, card: string): Promise<BaseModel> {
  if (isHubName(model)) {
    const { repository: name, revision } = parseHubName(model);
    const python = /@/.test(model) ? { name, revision } : { name };
    return { baseModel: name, base: { python, commandLine: model } };
  }
  const reader = await resolveModel(model);
  const index = new TextDecoder().decode(await reader.read('model_index.json'));
  const { _name_or_path: kept } = JSON.parse(index) as { _name_or_path?: unknown };
  // diffusers keeps the name that a model was downloaded by in its folder.
  const known = typeof kept === 'string' && /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(kept);
  const folder = relative(card, reader.name).split(sep).join('/');
  return {
    baseModel: known ? kept : undefined,
    base: {
      python: { name: known ? kept : folder },
      commandLine: model === 'shapes' ? model : folder,
    },
  };
}
