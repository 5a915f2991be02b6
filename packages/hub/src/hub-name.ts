/** `hf:owner/name[@revision]`, `hf:datasets/owner/name[@revision]`: what a repository on the Hugging Face Hub is called. */
import { HubError } from './hub-error';

export type HubType = 'model' | 'dataset';

/** What names a state of a repository. */
export interface HubReference {
  /** `owner/name`. */
  readonly repository: string;
  /** A branch, a tag, `refs/pr/N`, or the 40 digits of a commit; `main` when left out. */
  readonly revision?: string | undefined;
  /** `model` when left out. */
  readonly type?: HubType | undefined;
}

/** One that was checked, so that paths and addresses can be made of its parts. */
export interface HubName extends Required<HubReference> {
  readonly revision: string;
  readonly type: HubType;
  /** As {@link parseHubName} reads it. */
  readonly text: string;
}

const PREFIX = 'hf:';
const DATASETS = 'datasets/';

/** As huggingface_hub has it: no dash or dot at an end, none of them twice, at most 96 letters with the owner. */
const PART = /^\w(?:[\w.-]*\w)?$/;
const MAXIMUM_NAME = 96;

/** What git takes as a part of a branch's name, and every file system as that of a path. */
const REVISION_PART = /^(?!\.|-)[\w.+-]+(?<!\.|\.lock)$/;
const MAXIMUM_REVISION = 200;

const COMMIT = /^[0-9a-f]{40}$/;

/** Whether a text begins as a name on the hub, and not as a path. */
export function isHubName(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Whether a revision names one state for ever. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** @throws HubError when the text has another form */
export function parseHubName(text: string): HubName {
  const [path = '', ...rest] = text.slice(PREFIX.length).split('@');
  const revision = rest.length === 0 ? 'main' : rest.join('@');
  // An owner of that name would have one part less.
  const isDataset = path.startsWith(DATASETS) && path.split('/').length === 3;
  const repository = isDataset ? path.slice(DATASETS.length) : path;
  if (!isHubName(text) || !isRepository(repository)) {
    throw new HubError(
      `${JSON.stringify(text)} names nothing on the hub; expected hf:owner/name or hf:owner/name@revision, or hf:datasets/owner/name for a dataset`,
    );
  }
  if (!isRevision(revision)) {
    throw new HubError(`${JSON.stringify(text)} has no valid revision after the @; ${REVISIONS}`);
  }
  return { text, type: isDataset ? 'dataset' : 'model', repository, revision };
}

/** @throws HubError when a part has another form */
export function checkHubReference({
  repository,
  revision = 'main',
  type = 'model',
}: HubReference): HubName {
  if (!isRepository(repository)) {
    throw new HubError(
      `${JSON.stringify(repository)} is no name of a repository; expected owner/name`,
    );
  }
  if (!isRevision(revision)) {
    throw new HubError(`${JSON.stringify(revision)} is no valid revision; ${REVISIONS}`);
  }
  const text = `${PREFIX}${type === 'dataset' ? DATASETS : ''}${repository}${revision === 'main' ? '' : `@${revision}`}`;
  return { text, type, repository, revision };
}

const REVISIONS = 'expected a branch, a tag, refs/pr/N or the 40 digits of a commit';

function isRepository(name: string): boolean {
  const parts = name.split('/');
  return (
    parts.length === 2 &&
    name.length <= MAXIMUM_NAME &&
    parts.every((part) => PART.test(part)) &&
    !/--|\.\.|\.git$/.test(name)
  );
}

function isRevision(revision: string): boolean {
  return (
    revision.length <= MAXIMUM_REVISION &&
    revision.split('/').every((part) => REVISION_PART.test(part) && !part.includes('..'))
  );
}

/** Of its page, and of its files before `/resolve/`. */
export function pathOnHub({ type, repository }: HubName): string {
  return type === 'dataset' ? DATASETS + repository : repository;
}
