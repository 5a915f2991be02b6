/** Why a remote reward gave no score. */
import { HttpError, type HttpErrorKind } from '@loop-diffusion/http';

import { errorSchema } from '../protocol/schemas';

/**
 * | kind | when | retried | split |
 * |---|---|---|---|
 * | `refused` | nothing listens at the address | yes | no |
 * | `unresolved` | the host's name has no address (now) | yes | no |
 * | `disconnected` | the connection ended before the answer was whole | yes | yes |
 * | `transport` | any other fault below HTTP: of the proxy, of a certificate | where that may help | no |
 * | `timeout` | one attempt took longer than `timeoutMs`, however little was missing | yes | yes |
 * | `deadline` | the whole call took longer than `deadlineMs` | no | no |
 * | `aborted` | the caller's signal was aborted | no | no |
 * | `http-408`, `http-429`, `http-503` | the server has no time | yes | no |
 * | `http-500`, other `http-5xx` | the server has a fault, maybe with one of the images | yes | yes |
 * | `http-400`, `http-413`, `http-422` | the server does not take the request | no | yes |
 * | `http-401`, `http-404` and every other status | the client is set up wrongly; redirects are not followed | no | no |
 * | `not-json` | the answer is something else, such as the HTML page of a proxy | no | no |
 * | `answer-too-large` | the answer is longer than any real one | no | yes |
 * | `malformed` | the answer is JSON and not an answer, or one result in it is none | no | yes |
 * | `wrong-count` | not one result per image | no | yes |
 * | `non-finite` | a value is NaN or infinite; told per image | no | no |
 * | `version-changed` | the server now has another reward, or version of it, than at the start | no | no |
 * | `circuit-open` | the server failed several times in a row, and is left alone for a while | no | no |
 * | `invalid-image` | the image has a wrong length or non-finite values (not sent), or the server cannot read it | no | no |
 *
 * Besides these there are the failures that the served reward itself gives for an image, passed on as they are.
 *
 * Retried: asked again within one call. Split: where more than one image was sent, halves are asked for, until the image
 * that is the cause is alone. `retryable` in the failure says whether a later call may help: true for all that are retried
 * here, and for `deadline`, `aborted` and `circuit-open`.
 */
export type RemoteFailureKind =
  | 'refused'
  | 'unresolved'
  | 'disconnected'
  | 'transport'
  | 'timeout'
  | 'deadline'
  | 'aborted'
  | `http-${number}`
  | 'not-json'
  | 'answer-too-large'
  | 'malformed'
  | 'wrong-count'
  | 'non-finite'
  | 'version-changed'
  | 'circuit-open'
  | 'invalid-image';

export interface RemoteFailureTraits {
  /** Whether a later call may help. */
  readonly retryable: boolean;
  /** Whether one of the images may be the cause. */
  readonly split: boolean;
}

const FATAL: RemoteFailureTraits = { retryable: false, split: false };
const CONTENT: RemoteFailureTraits = { retryable: false, split: true };
const LATER: RemoteFailureTraits = { retryable: true, split: false };
const CRASH: RemoteFailureTraits = { retryable: true, split: true };

const TRAITS: Readonly<Record<Exclude<RemoteFailureKind, `http-${number}`>, RemoteFailureTraits>> =
  {
    refused: LATER,
    unresolved: LATER,
    disconnected: CRASH,
    transport: LATER,
    timeout: CRASH,
    deadline: LATER,
    aborted: LATER,
    'not-json': FATAL,
    'answer-too-large': CONTENT,
    malformed: CONTENT,
    'wrong-count': CONTENT,
    'non-finite': FATAL,
    'version-changed': FATAL,
    'circuit-open': LATER,
    'invalid-image': FATAL,
  };

function traitsOf(kind: RemoteFailureKind): RemoteFailureTraits {
  if (!isStatusKind(kind)) return TRAITS[kind];
  const status = Number(kind.slice('http-'.length));
  if (status === 408 || status === 429 || status === 503) return LATER;
  if (status >= 500) return CRASH;
  return status === 400 || status === 413 || status === 422 ? CONTENT : FATAL;
}

function isStatusKind(kind: RemoteFailureKind): kind is `http-${number}` {
  return kind.startsWith('http-');
}

/** A request that brought no answer that can be used. Never leaves this folder: callers get results. */
export class RemoteFailure extends Error {
  readonly traits: RemoteFailureTraits;

  constructor(
    readonly kind: RemoteFailureKind,
    message: string,
  ) {
    super(message);
    this.traits = traitsOf(kind);
  }
}

/** Kinds of the client that are called otherwise here, since they have been for long. */
const NAMES: Readonly<Record<Exclude<HttpErrorKind, 'status'>, RemoteFailureKind>> = {
  refused: 'refused',
  unresolved: 'unresolved',
  disconnected: 'disconnected',
  tls: 'transport',
  proxy: 'transport',
  transport: 'transport',
  stalled: 'timeout',
  timeout: 'timeout',
  deadline: 'deadline',
  aborted: 'aborted',
  'too-large': 'answer-too-large',
  'not-json': 'malformed',
  'circuit-open': 'circuit-open',
};

const MAXIMUM_MESSAGE = 300;

/** Whatever a request ended with, as a failure of its images. */
export function remoteFailure(error: unknown): RemoteFailure {
  if (error instanceof RemoteFailure) return error;
  if (!(error instanceof HttpError)) {
    const why = error instanceof Error ? error.message : 'no reason given';
    return new RemoteFailure('transport', `The reward server gave no answer: ${why}`);
  }
  const { kind, answer, message } = error;
  if (kind !== 'status' || answer === undefined) {
    return new RemoteFailure(kind === 'status' ? 'transport' : NAMES[kind], message);
  }
  const said = reasonIn(answer.text);
  const told = `The reward server answered ${answer.status}${said === undefined ? '.' : `: ${said}`}`;
  return new RemoteFailure(`http-${answer.status}`, told);
}

function reasonIn(text: string): string | undefined {
  try {
    const parsed = errorSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.error.message.slice(0, MAXIMUM_MESSAGE) : undefined;
  } catch {
    return undefined;
  }
}
