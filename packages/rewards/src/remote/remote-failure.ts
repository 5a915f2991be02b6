/** Why a remote reward gave no score. */

/**
 * | kind | when | retried | split |
 * |---|---|---|---|
 * | `refused` | nothing listens at the address | yes | no |
 * | `unresolved` | the host's name has no address (now) | yes | no |
 * | `disconnected` | the connection ended before the answer was whole | yes | yes |
 * | `transport` | any other fault below HTTP, TLS included | yes | no |
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
  /** Whether to ask again within this call. */
  readonly again: boolean;
  /** Whether one of the images may be the cause. */
  readonly split: boolean;
  /** Whether it says that the server is ill, rather than the request. */
  readonly ill: boolean;
}

const FATAL: RemoteFailureTraits = { retryable: false, again: false, split: false, ill: false };
const CONTENT: RemoteFailureTraits = { ...FATAL, split: true };
const LATER: RemoteFailureTraits = { ...FATAL, retryable: true };
const BUSY: RemoteFailureTraits = { ...LATER, again: true };
const UNREACHABLE: RemoteFailureTraits = { ...BUSY, ill: true };
const CRASH: RemoteFailureTraits = { ...UNREACHABLE, split: true };

const TRAITS: Readonly<Record<Exclude<RemoteFailureKind, `http-${number}`>, RemoteFailureTraits>> =
  {
    refused: UNREACHABLE,
    unresolved: UNREACHABLE,
    disconnected: CRASH,
    transport: UNREACHABLE,
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
  if (status === 408 || status === 429 || status === 503) return BUSY;
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
    /** Milliseconds that the server asked to be left alone. */
    readonly retryAfterMs = 0,
  ) {
    super(message);
    this.traits = traitsOf(kind);
  }
}

const CODES: Readonly<Record<string, RemoteFailureKind>> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'unresolved',
  EAI_AGAIN: 'unresolved',
  ECONNRESET: 'disconnected',
  EPIPE: 'disconnected',
  UND_ERR_SOCKET: 'disconnected',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'disconnected',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
};

/** Names what `fetch` threw, by the code that lies somewhere below it. */
export function transportFailure(error: unknown): RemoteFailure {
  if (error instanceof RemoteFailure) return error;
  let message = 'no reason given';
  for (let cause = error, depth = 0; isObject(cause) && depth < 8; depth++) {
    if (typeof cause['message'] === 'string' && cause['message'] !== '') message = cause['message'];
    const kind = CODES[String(cause['code'])];
    if (kind !== undefined) {
      return new RemoteFailure(kind, `The reward server gave no answer: ${message}.`);
    }
    // Two addresses of one name were tried.
    const errors = cause['errors'];
    cause = Array.isArray(errors) && errors.length > 0 ? (errors[0] as unknown) : cause['cause'];
  }
  return new RemoteFailure('transport', `The reward server gave no answer: ${message}.`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
