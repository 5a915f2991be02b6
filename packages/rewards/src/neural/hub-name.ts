/** `hf:owner/name[@revision]`: what a model on the Hugging Face Hub is called. */
export interface HubName {
  /** `owner/name`. */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

const PREFIX = 'hf:';
const REPOSITORY = /^\w[\w.-]{0,95}\/\w[\w.-]{0,95}$/;
const REVISION = /^\w[\w.+/-]{0,199}$/;

/**
 * @returns undefined for what is no such name, but the path of a folder
 * @throws {Error} when it begins as such a name and goes on as none
 */
export function parseHubName(model: string): HubName | undefined {
  if (!model.startsWith(PREFIX)) return undefined;
  const [repository = '', revision = 'main', ...rest] = model.slice(PREFIX.length).split('@');
  const isName = REPOSITORY.test(repository) && REVISION.test(revision) && rest.length === 0;
  if (!isName || /\.\.|\/\/|\/$/.test(repository + revision)) {
    throw new Error(
      `${JSON.stringify(model)} names no model on the hub; expected hf:owner/name or hf:owner/name@revision`,
    );
  }
  return { repository, revision };
}
