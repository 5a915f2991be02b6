/** `hf:owner/name[@revision]`: what a model on the Hugging Face Hub is called. */
import { UserError } from '../user-error';

export interface HubModel {
  /** As `--model` has it. */
  readonly text: string;
  /** `owner/name`. */
  readonly name: string;
  /** A branch, a tag, `refs/pr/N`, or a commit. */
  readonly revision: string;
}

const PREFIX = 'hf:';

/** As huggingface_hub has it: no dash or dot at an end, none of them twice, at most 96 letters with the owner. */
const PART = /^\w(?:[\w.-]*\w)?$/;
const MAXIMUM_NAME = 96;

/** What git takes as a part of a branch's name, and every file system as that of a path. */
const REVISION_PART = /^(?!\.|-)[\w.+-]+(?<!\.|\.lock)$/;
const MAXIMUM_REVISION = 200;

const COMMIT = /^[0-9a-f]{40}$/;

export function isHubModel(model: string): boolean {
  return model.startsWith(PREFIX);
}

/** Whether a revision names one state for ever. */
export function isCommit(revision: string): boolean {
  return COMMIT.test(revision);
}

/** @throws UserError when the text has another form */
export function parseHubModel(text: string): HubModel {
  const [name = '', ...rest] = text.slice(PREFIX.length).split('@');
  const revision = rest.length === 0 ? 'main' : rest.join('@');
  const parts = name.split('/');
  const nameIsValid =
    isHubModel(text) &&
    parts.length === 2 &&
    name.length <= MAXIMUM_NAME &&
    parts.every((part) => PART.test(part)) &&
    !/--|\.\.|\.git$/.test(name);
  if (!nameIsValid) {
    throw new UserError(
      `${JSON.stringify(text)} names no model on the hub; expected hf:owner/name or hf:owner/name@revision`,
    );
  }
  const revisionIsValid =
    revision.length <= MAXIMUM_REVISION &&
    revision.split('/').every((part) => REVISION_PART.test(part) && !part.includes('..'));
  if (!revisionIsValid) {
    throw new UserError(
      `${JSON.stringify(text)} has no valid revision after the @; expected a branch, a tag, refs/pr/N or the 40 digits of a commit`,
    );
  }
  return { text, name, revision };
}
