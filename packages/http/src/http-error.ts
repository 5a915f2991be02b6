/** What can go wrong with a request, by kind. */

/**
 * | kind | when | retryable |
 * |---|---|---|
 * | `refused` | nothing listens at the address | yes |
 * | `unresolved` | the host's name has no address (now) | yes |
 * | `disconnected` | the connection ended before the answer was whole | yes |
 * | `tls` | the server's certificate cannot be trusted | no |
 * | `proxy` | the proxy makes no connection | for its statuses 408, 429 and 5xx |
 * | `transport` | any other fault below HTTP | yes |
 * | `stalled` | nothing came for `stallMs` | yes |
 * | `timeout` | one attempt took longer than `timeoutMs`, however little was missing | yes |
 * | `deadline` | the whole call took longer than `deadlineMs` | no |
 * | `aborted` | the caller's signal was aborted; its reason is the `cause` | no |
 * | `status` | the answer has a status that is not accepted, redirections included unless they are followed | for 408, 429 and 5xx |
 * | `too-large` | the answer is longer than `maximumBytes` | no |
 * | `not-json` | JSON was expected and something else came | no |
 * | `circuit-open` | the server failed several times in a row, and is left alone for a while | no |
 */
export type HttpErrorKind =
  | 'refused'
  | 'unresolved'
  | 'disconnected'
  | 'tls'
  | 'proxy'
  | 'transport'
  | 'stalled'
  | 'timeout'
  | 'deadline'
  | 'aborted'
  | 'status'
  | 'too-large'
  | 'not-json'
  | 'circuit-open';

/** The answer behind an error of kind `status`. */
export interface RefusedAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** What the server said about it, at most 64 KiB. */
  readonly text: string;
}

export interface HttpErrorDetails {
  /** Whether asking again may help; by default as the table of {@link HttpErrorKind} says. */
  readonly retryable?: boolean | undefined;
  /** Milliseconds that the server asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  readonly answer?: RefusedAnswer | undefined;
  readonly cause?: unknown;
}

const PASSING: ReadonlySet<HttpErrorKind> = new Set<HttpErrorKind>([
  'refused',
  'unresolved',
  'disconnected',
  'transport',
  'stalled',
  'timeout',
]);

/** A request that brought no answer that can be used. Whoever reads an answer may throw one too, so that it is asked for again. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly answer: RefusedAnswer | undefined;

  constructor(
    readonly kind: HttpErrorKind,
    message: string,
    { retryable, retryAfterMs, answer, cause }: HttpErrorDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    const status = answer?.status;
    this.retryable =
      retryable ?? (status === undefined ? PASSING.has(kind) : isPassingStatus(status));
    this.retryAfterMs = retryAfterMs;
    this.answer = answer;
  }

  /** Of the answer, where there is one. */
  get status(): number | undefined {
    return this.answer?.status;
  }
}

/** Whether the same request may be answered otherwise a little later: 408, 429 and 5xx. */
export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** Whether an error says that the server is ill, rather than the request wrong or the server busy (408, 429, 503). */
export function isServerFault(error: unknown): boolean {
  if (!(error instanceof HttpError)) return false;
  const { kind, status } = error;
  if (kind === 'status') return status !== undefined && status >= 500 && status !== 503;
  return PASSING.has(kind) || kind === 'tls' || kind === 'proxy';
}

const CODES: Readonly<Record<string, HttpErrorKind>> = {
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
  CERT_HAS_EXPIRED: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
};

const TLS_HINT = 'If its certificate is one of your own, name its authority in NODE_EXTRA_CA_CERTS';
/** How undici says it: with a tunnel, and without. */
const PROXY_ANSWER = /^Proxy (?:response \((\d+)\)|Authentication Required \((407)\))/;

/**
 * Names what `fetch` threw, by the code that lies somewhere below it.
 * @param where what was asked, such as `http://127.0.0.1:8080 (through the proxy http://127.0.0.1:3128)`
 */
export function transportError(error: unknown, where: string): HttpError {
  if (error instanceof HttpError) return error;
  let reason = 'no reason given';
  for (let cause = error, depth = 0; isObject(cause) && depth < 8; depth++) {
    const { message, code, errors } = cause;
    if (typeof message === 'string' && message !== '') reason = message;
    const proxyAnswer = PROXY_ANSWER.exec(reason);
    if (proxyAnswer !== null) {
      const status = Number(proxyAnswer[1] ?? proxyAnswer[2]);
      return new HttpError('proxy', `No answer from ${where}: the proxy answers ${status}.`, {
        retryable: isPassingStatus(status),
        cause: error,
      });
    }
    const kind = CODES[String(code)];
    if (kind !== undefined) {
      // An error of a system call may have no message where several addresses were tried.
      const text = reason === 'no reason given' ? String(code) : reason;
      const said = kind === 'tls' ? `${text}. ${TLS_HINT}` : text;
      return new HttpError(kind, `No answer from ${where}: ${said}.`, { cause: error });
    }
    // Two addresses of one name were tried.
    cause = Array.isArray(errors) && errors.length > 0 ? (errors[0] as unknown) : cause['cause'];
  }
  return new HttpError('transport', `No answer from ${where}: ${reason}.`, { cause: error });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
