import type { SafetensorsFile } from '@loop-diffusion/safetensors';
import { readSafetensors } from '@loop-diffusion/safetensors';
import type { FileReader } from '../types';

/** Configurations and vocabularies are far smaller (CLIP's largest file: 1 MB). */
const MAXIMUM_TEXT_BYTES = 10_000_000;

/** Files that Python can only open by running what is in them. */
const PICKLE_ENDINGS = ['bin', 'pt', 'pth', 'ckpt', 'pkl'];

const CONVERSION =
  'Convert the model in Python: StableDiffusionPipeline.from_pretrained(folder).save_pretrained(new_folder).';

/** A JSON file of the model. @throws Error that names the file when it is missing, too large or no JSON */
export async function readJson(reader: FileReader, path: string): Promise<unknown> {
  const text = await readText(reader, path);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(
      `${describe(reader, path)} is not valid JSON (${messageOf(error)}); it is damaged or cut off. Fetch the model again.`,
      { cause: error },
    );
  }
}

/** A JSON file that the model may lack: `undefined` then. */
export async function readOptionalJson(reader: FileReader, path: string): Promise<unknown> {
  return (await reader.exists(path)) ? readJson(reader, path) : undefined;
}

/** A text file of the model. @throws Error that names the file when it is missing, too large or not UTF-8 */
export async function readText(reader: FileReader, path: string): Promise<string> {
  if (!(await reader.exists(path))) {
    throw new Error(
      `${describe(reader, path)} is missing; this is no whole diffusers model. Fetch the model again, or give the folder that holds model_index.json.`,
    );
  }
  const bytes = await readBytes(reader, path);
  if (bytes.length > MAXIMUM_TEXT_BYTES) {
    throw new Error(
      `${describe(reader, path)} has ${bytes.length} bytes; at most ${MAXIMUM_TEXT_BYTES} are read. This is no such file of a diffusers model.`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(`${describe(reader, path)} is not UTF-8 text; it is damaged.`, {
      cause: error,
    });
  }
}

/**
 * The weights of one part of the model.
 * @param stem the file's name without its ending: `unet/diffusion_pytorch_model`
 * @throws Error that says what to do when there are only pickle files, or none, or the file is damaged
 */
export async function readWeightsFile(
  reader: FileReader,
  folder: string,
  stem: string,
): Promise<{ path: string; file: SafetensorsFile }> {
  for (const path of [`${folder}/${stem}.safetensors`, `${folder}/${stem}.fp16.safetensors`]) {
    if (!(await reader.exists(path))) continue;
    const bytes = await readBytes(reader, path);
    try {
      return { path, file: readSafetensors(bytes) };
    } catch (error) {
      throw new Error(`${describe(reader, path)}: ${messageOf(error)}`, { cause: error });
    }
  }
  const expected = describe(reader, `${folder}/${stem}.safetensors`);
  if (await reader.exists(`${folder}/${stem}.safetensors.index.json`)) {
    throw new Error(
      `${expected} is missing: the weights are in several files, which is not supported. ${CONVERSION}`,
    );
  }
  for (const name of new Set([stem, 'pytorch_model'])) {
    for (const ending of PICKLE_ENDINGS) {
      if (await reader.exists(`${folder}/${name}.${ending}`)) {
        throw new Error(
          `${expected} is missing, there is only ${name}.${ending}. Such files can run code when they are opened and are never read. ${CONVERSION}`,
        );
      }
    }
  }
  throw new Error(
    `${expected} is missing; this is no whole diffusers model. Fetch the model again.`,
  );
}

/** What an error calls a file. */
export function describe(reader: FileReader, path: string): string {
  return `${path} of ${reader.name}`;
}

async function readBytes(reader: FileReader, path: string): Promise<Uint8Array> {
  try {
    return await reader.read(path);
  } catch (error) {
    throw new Error(`${describe(reader, path)} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
