/** Makes the folder of a run's adapter, or of its UNet, ready to be uploaded. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isHubName, parseHubName } from '@loop-diffusion/hub';
import { encodePng, type Image } from '@loop-diffusion/rewards';

import type { TrainConfig } from '../configuration/schema';
import { imageFileName } from '../files/image-file-name';
import type { RunSummary } from '../run-folder/records';
import type { RunFolder } from '../run-folder/run-folder';
import { ADAPTER_FILE } from '../weights/adapter-file';
import { resolveModel } from '../weights/resolve-model';
import { UNET_FILE } from '../weights/unet-file';
import { modelCard } from './model-card';

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
      baseModel: await nameOnHub(config.model),
      pictures,
      samples: copy(samples?.file, 'samples.png'),
      curves: copy('curves.png', 'curves.png'),
    }),
  );
}

/** diffusers keeps the name that a model was downloaded by in its folder. */
async function nameOnHub(model: string): Promise<string | undefined> {
  if (isHubName(model)) return parseHubName(model).repository;
  const reader = await resolveModel(model);
  const index = new TextDecoder().decode(await reader.read('model_index.json'));
  const { _name_or_path: name } = JSON.parse(index) as { _name_or_path?: unknown };
  return typeof name === 'string' && /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name) ? name : undefined;
}
