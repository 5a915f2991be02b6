/** Which files of a repository make up a Stable Diffusion in diffusers' layout. */
import { HubError } from './hub-error';
import type { RepositoryFiles } from './repository-files';

interface Component {
  /** Sets of files, of which one must be there whole. */
  readonly required: readonly (readonly string[])[];
  /** The name of its weights without their ending. */
  readonly stem?: string;
}

const DIFFUSERS_NETWORK = { required: [['config.json']], stem: 'diffusion_pytorch_model' };
const TRANSFORMERS_NETWORK = { required: [['config.json']], stem: 'model' };
/** The second is what transformers 5 saves. */
const TOKENIZER = { required: [['vocab.json', 'merges.txt'], ['tokenizer.json']] };

/** Others, such as a safety checker, are not read. */
const COMPONENTS: Readonly<Record<string, Component>> = {
  scheduler: { required: [['scheduler_config.json']] },
  tokenizer: TOKENIZER,
  tokenizer_2: TOKENIZER,
  text_encoder: TRANSFORMERS_NETWORK,
  text_encoder_2: TRANSFORMERS_NETWORK,
  unet: DIFFUSERS_NETWORK,
  vae: DIFFUSERS_NETWORK,
};

const INDEX = 'model_index.json';
const INDEX_OF_SHARDS = /\.index(\.\w+)?\.json$/;
const PICKLE = /\.(bin|ckpt|pt|pth|pkl)$/;

/**
 * @returns paths, small files before weights: what is wrong in them shows at once
 * @throws HubError when a file is missing, a network has pickled weights only, or a JSON file is not what it should be;
 *   what `readJson` throws
 */
export async function diffusersFiles(source: RepositoryFiles): Promise<string[]> {
  const { name, paths } = source;
  const need = (path: string): void => {
    if (!paths.has(path)) {
      throw new HubError(`${name} has no ${path}; a whole diffusers model was expected`);
    }
  };
  need(INDEX);
  const parts = componentsOf(await source.readJson(INDEX), name);
  const small = [INDEX];
  const weights: string[] = [];
  for (const [folder, { required, stem }] of parts) {
    const sets = required.map((files) => files.map((file) => `${folder}/${file}`));
    if (!sets.some((files) => files.every((file) => paths.has(file)))) sets[0]?.forEach(need);
    small.push(...smallFilesOf(folder, paths));
    if (stem === undefined) continue;
    const file = chooseWeights(`${folder}/${stem}`, folder, source);
    if (INDEX_OF_SHARDS.test(file)) {
      small.push(file);
      const shards = shardsOf(await source.readJson(file), folder, `${file} of ${name}`);
      for (const shard of shards) need(shard);
      weights.push(...shards);
    } else weights.push(file);
  }
  return [...small, ...weights];
}

function componentsOf(index: unknown, name: string): [string, Component][] {
  const entries = Object.entries(Object(index) as Record<string, unknown>);
  const className = entries.find(([key]) => key === '_class_name')?.[1];
  // Gigabytes of another kind of model would be fetched for nothing.
  if (typeof className !== 'string' || !className.startsWith('StableDiffusion')) {
    throw new HubError(
      `${name} holds a ${className === undefined ? 'model without a class' : JSON.stringify(className)}; a Stable Diffusion in diffusers' layout was expected`,
    );
  }
  return entries.flatMap(([key, value]): [string, Component][] => {
    const component = Object.hasOwn(COMPONENTS, key) ? COMPONENTS[key] : undefined;
    const isThere = Array.isArray(value) && value.some((part) => part !== null);
    return component !== undefined && isThere ? [[key, component]] : [];
  });
}

/** Configurations and vocabularies. */
function smallFilesOf(folder: string, paths: ReadonlySet<string>): string[] {
  return [...paths].filter(
    (path) =>
      path.startsWith(`${folder}/`) &&
      /^[^/]+\.(json|txt)$/.test(path.slice(folder.length + 1)) &&
      !INDEX_OF_SHARDS.test(path),
  );
}

/** @returns one file, or the index of several */
function chooseWeights(stem: string, folder: string, { name, paths }: RepositoryFiles): string {
  const file = ['', '.fp16', '.bf16', '.fp32']
    .flatMap((variant) => [
      `${stem}${variant}.safetensors`,
      `${stem}.safetensors.index${variant}.json`,
    ])
    .find((path) => paths.has(path));
  if (file !== undefined) return file;
  const other = [...paths].find(
    (path) => path.startsWith(`${folder}/`) && path.endsWith('.safetensors'),
  );
  if (other !== undefined) {
    throw new HubError(
      `${name} has no ${stem}.safetensors, only ${other}; fetch the model by hand, and rename that file if its weights are the ones that you want`,
    );
  }
  const pickle = [...paths].find((path) => path.startsWith(`${folder}/`) && PICKLE.test(path));
  throw new HubError(
    pickle === undefined
      ? `${name} has no ${stem}.safetensors; a whole diffusers model was expected`
      : `${name} has no ${stem}.safetensors, only ${pickle}, which can run code when it is opened and is never read; look for a revision with safetensors, or convert it in Python with save_pretrained`,
  );
}

function shardsOf(index: unknown, folder: string, what: string): string[] {
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  const names = typeof map === 'object' && map !== null ? [...new Set(Object.values(map))] : [];
  const areShards = names.every(
    (name) => typeof name === 'string' && /^\w[\w.-]*\.safetensors$/.test(name),
  );
  if (names.length === 0 || !areShards) {
    throw new HubError(`${what} does not list files of weights beside it`);
  }
  return names.map((name) => `${folder}/${String(name)}`);
}
