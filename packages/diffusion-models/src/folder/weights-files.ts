/** The weights of one part of a model: in one file, or in several with an index. */
import type { OpenSafetensors, SafetensorsTensor } from '@loop-diffusion/safetensors';
import { openSafetensors } from '@loop-diffusion/safetensors';
import type { FileReader, OpenFile } from '../types';
import { describe, messageOf, readBytes, readJson } from './small-files';

/** Files that Python can only open by running what is in them. */
const PICKLE_ENDINGS = ['bin', 'pt', 'pth', 'ckpt', 'pkl'];
const CONVERSION =
  'Convert the model in Python: StableDiffusionPipeline.from_pretrained(folder).save_pretrained(new_folder).';

/** What stands before the ending of files in other number formats; all are widened to float32. */
const NUMBER_FORMATS = ['', '.fp16', '.bf16', '.fp32'];

/** Other weights than those that are asked for, of which nobody said that they are wanted. */
const OTHER_WEIGHTS = ['.ema', '.non_ema', '.fp8'];

/** Far above any real model (a shard has gigabytes). */
const MAXIMUM_SHARDS = 1000;

/** Weights of which the headers have been read and checked. */
export interface OpenWeights {
  /** The file, or its index. */
  readonly path: string;
  /** Of all tensors together, as they are stored. */
  readonly bytes: number;
  /** Reads the tensors one after the other. */
  tensors(): AsyncIterable<readonly [string, SafetensorsTensor]>;
  close(): Promise<void>;
}

/**
 * @param stem the file's name without its ending: `diffusion_pytorch_model`
 * @throws Error that says what to do when there are only pickle files, or none, or a file is damaged
 */
export async function openWeights(
  reader: FileReader,
  folder: string,
  stem: string,
): Promise<OpenWeights> {
  for (const variant of NUMBER_FORMATS) {
    const path = `${folder}/${stem}${variant}.safetensors`;
    if (await reader.exists(path)) return openFiles(reader, path, [path]);
    // Python's writers put the variant in the index's name before its ending.
    const index = `${folder}/${stem}.safetensors.index${variant}.json`;
    if (await reader.exists(index)) return openShards(reader, folder, index);
  }
  throw await missingWeights(reader, folder, stem);
}

async function openShards(reader: FileReader, folder: string, index: string): Promise<OpenWeights> {
  const fileOf = readShardIndex(await readJson(reader, index), describe(reader, index));
  const names = [...new Set(fileOf.values())].sort();
  const weights = await openFiles(
    reader,
    index,
    names.map((name) => `${folder}/${name}`),
    (key, path) => `${folder}/${fileOf.get(key) ?? ''}` === path,
    [...fileOf.keys()],
  );
  return weights;
}

/** @returns the file of each tensor */
function readShardIndex(json: unknown, file: string): ReadonlyMap<string, string> {
  const map = (json as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new Error(`${file} has no weight_map; it is damaged. Fetch the model again.`);
  }
  const fileOf = new Map<string, string>();
  for (const [key, name] of Object.entries(map)) {
    // A plain name in the same folder: an index must not lead anywhere else.
    if (typeof name !== 'string' || !/^[\w-][\w.-]*\.safetensors$/.test(name)) {
      throw new Error(
        `${file} puts ${JSON.stringify(key)} into ${JSON.stringify(name)}, which is no name of a safetensors file beside it.`,
      );
    }
    fileOf.set(key, name);
  }
  const count = new Set(fileOf.values()).size;
  if (count === 0 || count > MAXIMUM_SHARDS) {
    throw new Error(`${file} names ${count} files; expected 1 to ${MAXIMUM_SHARDS}.`);
  }
  return fileOf;
}

/**
 * @param belongs whether a tensor is where the index says
 * @param expected every tensor that the index names
 */
async function openFiles(
  reader: FileReader,
  path: string,
  paths: readonly string[],
  belongs: (key: string, path: string) => boolean = () => true,
  expected: readonly string[] = [],
): Promise<OpenWeights> {
  const files: { path: string; file: OpenFile; parsed: OpenSafetensors }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(files.map(({ file }) => file.close()));
  };
  try {
    for (const shard of paths) {
      const file = await open(reader, shard);
      files.push({
        path: shard,
        file,
        parsed: await inFile(reader, shard, () => openSafetensors(file)),
      });
    }
    const seen = new Set<string>();
    for (const { path: shard, parsed } of files) {
      for (const key of parsed.tensors.keys()) {
        if (!belongs(key, shard)) {
          throw new Error(
            `${describe(reader, shard)} holds ${JSON.stringify(key)}, which ${describe(reader, path)} does not put there.`,
          );
        }
        seen.add(key);
      }
    }
    const lost = expected.find((key) => !seen.has(key));
    if (lost !== undefined) {
      throw new Error(
        `${describe(reader, path)} names ${JSON.stringify(lost)}, which is in none of its files. Fetch the model again.`,
      );
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    path,
    bytes: files.reduce((total, { file }) => total + file.size, 0),
    async *tensors() {
      const all = files.flatMap(({ path: shard, parsed }) =>
        [...parsed.tensors.keys()].map((key) => ({ shard, parsed, key })),
      );
      const read = ({ shard, parsed, key }: (typeof all)[number]) =>
        inFile(reader, shard, () => parsed.read(key));
      let next = all[0] && read(all[0]);
      for (const [index, { key }] of all.entries()) {
        const tensor = (await next) as SafetensorsTensor;
        const following = all[index + 1];
        // The disk works while the tensor before is converted.
        next = following && read(following);
        next?.catch(() => undefined);
        yield [key, tensor] as const;
      }
    },
    close,
  };
}

/** A file that the reader cannot open in parts is read whole. */
async function open(reader: FileReader, path: string): Promise<OpenFile> {
  if (reader.open === undefined || !(await reader.exists(path))) {
    const bytes = await readBytes(reader, path);
    return {
      size: bytes.length,
      read: (begin, end) => Promise.resolve(bytes.subarray(begin, end)),
      close: () => Promise.resolve(),
    };
  }
  try {
    return await reader.open(path);
  } catch (error) {
    throw new Error(`${describe(reader, path)} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function inFile<Result>(
  reader: FileReader,
  path: string,
  read: () => Promise<Result>,
): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    throw new Error(`${describe(reader, path)}: ${messageOf(error)}`, { cause: error });
  }
}

async function missingWeights(reader: FileReader, folder: string, stem: string): Promise<Error> {
  const expected = describe(reader, `${folder}/${stem}.safetensors`);
  const names = [...new Set([stem, 'model', 'pytorch_model', 'diffusion_pytorch_model'])];
  const there = async (endings: readonly string[]): Promise<string | undefined> => {
    for (const name of names) {
      for (const ending of endings) {
        if (await reader.exists(`${folder}/${name}${ending}`)) return name + ending;
      }
    }
    return undefined;
  };
  const variants = [...NUMBER_FORMATS, ...OTHER_WEIGHTS];
  const renamed = await there(variants.map((variant) => `${variant}.safetensors`));
  if (renamed !== undefined) {
    return new Error(
      `${expected} is missing, there is only ${renamed}. If these are the weights that you want, rename the file to ${stem}.safetensors.`,
    );
  }
  const index = await there(variants.map((variant) => `${variant}.safetensors.index.json`));
  const shard = await there(
    Array.from({ length: 8 }, (_, i) => `-00001-of-0000${i + 2}.safetensors`),
  );
  if (index !== undefined || shard !== undefined) {
    return new Error(
      `${expected} is missing, and so is the index of its parts, ${stem}.safetensors.index.json; there is only ${index ?? shard ?? ''}. ${index === undefined ? 'Fetch the index too.' : 'Rename it.'}`,
    );
  }
  const pickled = await there(PICKLE_ENDINGS.map((ending) => `.${ending}`));
  if (pickled !== undefined) {
    return new Error(
      `${expected} is missing, there is only ${pickled}. Such files can run code when they are opened and are never read. ${CONVERSION}`,
    );
  }
  return new Error(
    `${expected} is missing; this is no whole diffusers model. Fetch the model again.`,
  );
}
