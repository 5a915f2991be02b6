import type { FileSource } from './file-source';

export interface HubFiles extends FileSource {
  /** Keeps which commit the revision stood at, for processes without a network; to be called once all files are there. */
  remember(): void;
}

/**
 * A model on the hub, whose files are fetched when they are asked for, into the cache that Python's huggingface_hub shares.
 * What the cache holds of a commit costs no request.
 *
 * @param model `hf:owner/name[@revision]`
 * @throws {Error} in one sentence when the name is none, the revision is unknown, or the hub is out of reach
 */
export async function openHubFiles(model: string): Promise<HubFiles> {
  const { openHubRepository, parseHubName } = await import('@loop-diffusion/hub');
  const name = parseHubName(model);
  if (name.type !== 'model') throw new Error(`'${model}' is a dataset; expected a model`);
  return openHubRepository({ ...name, onNote: (note) => process.emitWarning(note) });
}
