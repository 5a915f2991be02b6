/** Asks servers, with patience that has bounds. */
import { DelegateBackoff, handleWhen, retry } from 'cockatiel';

import { followSignals, sleep as sleepForReal, untilAborted } from './abort';
import { type HttpAnswer, openAnswer, overNetwork } from './answer';
import { type Backoff, fullJitter } from './backoff';
import { type CircuitOptions, type CircuitPhase, createCircuit } from './circuit';
import { Deadline } from './deadline';
import { Gate } from './gate';
import { HttpError, isServerFault } from './http-error';
import { type Fetch, type ProxyUse, wayTo } from './proxy';
import { retryAfterMs } from './retry-after';

export interface HttpClientOptions {
  /** Milliseconds for one attempt, until its answer is read. Default 60,000; Infinity for none, as for large downloads. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds in which something must come, the head of the answer or a part of its body. Default none. */
  readonly stallMs?: number | undefined;
  /** Milliseconds for a call with all its attempts and the pauses between them, but not its waiting in the gate. Default none. */
  readonly deadlineMs?: number | undefined;
  /** How often is asked at most. Default 3. */
  readonly attempts?: number | undefined;
  /** Pauses between attempts, unless the server asks for a longer one. Default {@link fullJitter}. */
  readonly backoff?: Backoff | undefined;
  /** A server that asks for a longer pause is not asked again. Default 30,000. */
  readonly longestPauseMs?: number | undefined;
  /** Attempts under way at once; the others wait in order. Default Infinity. */
  readonly concurrency?: number | undefined;
  /** Leaves a server alone that fails several times in a row. Default none. */
  readonly circuit?: CircuitOptions | undefined;
  /** Default `environment`. */
  readonly proxies?: ProxyUse | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** In place of Node's own, which then knows nothing of proxies. */
  readonly fetch?: Fetch | undefined;
  /** Uniform in [0, 1), for the pauses; `Math.random` when left out. */
  readonly random?: (() => number) | undefined;
  /** Stands in for real pauses in tests. Rejects with the signal's reason. */
  readonly sleep?: ((milliseconds: number, signal: AbortSignal) => Promise<unknown>) | undefined;
  /** Told what happens on the way. */
  readonly onEvent?: ((event: HttpEvent) => void) | undefined;
}

export type HttpEvent =
  /** An attempt failed, and there will be another. */
  | {
      readonly type: 'retry';
      /** How many have failed since the last progress. */
      readonly attempt: number;
      readonly error: HttpError;
      readonly pauseMs: number;
    }
  | { readonly type: 'circuit'; readonly state: CircuitPhase };

export interface HttpRequest {
  readonly url: string;
  /** Default GET, or POST where there is a body. */
  readonly method?: string | undefined;
  /** A function is asked for each attempt, as for the range that is still to come. */
  readonly headers?:
    Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>) | undefined;
  readonly body?: string | Uint8Array | undefined;
  /**
   * Whether redirections are followed. By default they are refused (kind `status`), as they would take what is sent to
   * another place. Where they are followed, `authorization` is left out at another origin.
   */
  readonly redirect?: 'refuse' | 'follow' | undefined;
  /** Statuses whose answers are read. Default 200 to 299. */
  readonly accepts?: ((status: number) => boolean) | undefined;
  /** The longest answer that is read, unpacked; checked while it comes. Default 32 MiB. */
  readonly maximumBytes?: number | undefined;
  /** Ends the waiting, a pause or the attempt at once. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the client's. */
  readonly attempts?: number | undefined;
  /** A time that several requests share, in place of the client's `deadlineMs`. */
  readonly deadline?: Deadline | undefined;
  /** Which errors the circuit counts. Default {@link isServerFault}. */
  readonly isFault?: ((error: unknown) => boolean) | undefined;
  /** Bytes that are done, of a download that goes on where it ended: a MiB more renews the attempts. */
  readonly progress?: (() => number) | undefined;
}

export interface HttpClient {
  /**
   * @param read makes something of the answer, within the time of the attempt. An {@link HttpError} that it throws is
   *   asked again for if it is `retryable`; other errors end the call as they are. It is called anew for every attempt.
   * @throws {HttpError} when no attempt brought an answer, the circuit is open, the time is over, or the signal is aborted
   * @throws {RangeError} when the address is none
   */
  request<T>(request: HttpRequest, read: (answer: HttpAnswer) => Promise<T> | T): Promise<T>;
}

const MAXIMUM_BYTES = 32 * 2 ** 20;
/** An answer that says why there is none is a sentence or two. */
const MAXIMUM_REASON_BYTES = 64 * 1024;
const PROGRESS_BYTES = 2 ** 20;
const USER_AGENT = 'loop-diffusion';

/** @throws {RangeError} when an option is out of its range */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const {
    timeoutMs = 60_000,
    stallMs = Infinity,
    deadlineMs = Infinity,
    attempts: usualAttempts = 3,
    backoff = fullJitter(),
    longestPauseMs = 30_000,
    concurrency = Infinity,
    circuit: circuitOptions,
    proxies = 'environment',
    headers: usualHeaders = {},
    random = Math.random,
    sleep = sleepForReal,
    onEvent = () => {},
  } = options;
  assertPositive({ timeoutMs, stallMs, deadlineMs, longestPauseMs });
  assertCount({ attempts: usualAttempts, concurrency, ...circuitOptions });
  const gate = new Gate(concurrency);
  const circuit =
    circuitOptions === undefined
      ? undefined
      : createCircuit(circuitOptions, (state) => onEvent({ type: 'circuit', state }));

  /** One attempt. */
  async function attempt<T>(
    request: HttpRequest,
    url: URL,
    read: (answer: HttpAnswer) => Promise<T> | T,
    callSignal: AbortSignal,
  ): Promise<T> {
    callSignal.throwIfAborted();
    const { method, body, redirect = 'refuse', maximumBytes = MAXIMUM_BYTES } = request;
    const accepts = request.accepts ?? isSuccess;
    const { fetch, where } = await wayTo(url, options.fetch === undefined ? proxies : 'none');
    const time = new Deadline(
      timeoutMs,
      () => new HttpError('timeout', `No whole answer from ${where} within ${timeoutMs} ms.`),
    );
    const same = (reason: unknown) => reason;
    const { controller, release } = followSignals([
      [callSignal, same],
      [time.signal, same],
    ]);
    const { signal } = controller;
    const given = typeof request.headers === 'function' ? request.headers() : request.headers;
    const work = async (): Promise<T> => {
      const asking = (options.fetch ?? fetch)(url.href, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: { 'user-agent': USER_AGENT, ...usualHeaders, ...given },
        // A view would be copied with all that lies around it.
        ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
        redirect: redirect === 'follow' ? 'follow' : 'manual',
        signal,
      });
      const response = await overNetwork(asking, { signal, stallMs, where });
      const limits = { signal, stallMs, where };
      if (accepts(response.status)) {
        return read(openAnswer(response, { ...limits, maximumBytes }));
      }
      throw await refusal(response, { ...limits, maximumBytes: MAXIMUM_REASON_BYTES });
    };
    try {
      return await time.during(() => untilAborted(work(), signal));
    } finally {
      release();
      // Ends what was not read.
      controller.abort();
    }
  }

  return {
    async request(request, read) {
      const url = parseUrl(request.url);
      const { attempts = usualAttempts, progress = () => 0, isFault = isServerFault } = request;
      assertCount({ attempts });
      const deadline =
        request.deadline ??
        new Deadline(deadlineMs, () => {
          const message = `No answer from ${url.origin} within the deadline of ${deadlineMs} ms.`;
          return new HttpError('deadline', message);
        });
      const { controller, release } = followSignals([
        [request.signal, (reason) => abortedError(reason)],
        [deadline.signal, (reason) => deadlineError(reason)],
      ]);
      const { signal } = controller;
      let failures = 0;
      let bytesBefore = progress();
      let pauseMs = 0;

      const mayAskAgain = (error: Error): boolean => {
        if (!(error instanceof HttpError) || !error.retryable || signal.aborted) return false;
        const bytes = progress();
        if (bytes - bytesBefore >= PROGRESS_BYTES) {
          failures = 0;
          bytesBefore = bytes;
        }
        failures++;
        if (failures >= attempts) return false;
        pauseMs = Math.max(backoff(failures, random), error.retryAfterMs ?? 0);
        // To wait until the deadline and fail then helps nobody.
        if (pauseMs > longestPauseMs || pauseMs >= deadline.remainingMs) return false;
        onEvent({ type: 'retry', attempt: failures, error, pauseMs });
        return true;
      };
      const policy = retry(handleWhen(mayAskAgain), {
        maxAttempts: Infinity,
        // cockatiel's own pause would outlast the signal; ours is below.
        backoff: new DelegateBackoff(() => 0),
      });
      const once = () => attempt(request, url, read, signal);
      const inTurn = () =>
        deadline.during(() => (circuit === undefined ? once() : circuit.run(once, isFault)));
      try {
        return await policy.execute(async () => {
          if (failures > 0 && pauseMs > 0) {
            const time = pauseMs;
            pauseMs = 0;
            await deadline.during(() => untilAborted(Promise.resolve(sleep(time, signal)), signal));
          }
          return untilAborted(gate.run(inTurn, signal), signal);
        });
      } finally {
        release();
      }
    },
  };
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}

async function refusal(
  response: Response,
  limits: Parameters<typeof openAnswer>[1],
): Promise<HttpError> {
  const { status, headers } = response;
  // The status says enough where the text does not come.
  const text = await openAnswer(response, limits)
    .text()
    .catch(() => '');
  limits.signal.throwIfAborted();
  return new HttpError('status', `${limits.where} answered ${status}.`, {
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
    answer: { status, headers, text },
  });
}

function abortedError(reason: unknown): HttpError {
  return new HttpError('aborted', 'The caller no longer waits.', { cause: reason });
}

function deadlineError(reason: unknown): HttpError {
  if (reason instanceof HttpError) return reason;
  return new HttpError('deadline', reason instanceof Error ? reason.message : String(reason));
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url;
  throw new RangeError(
    `"${text}" is no address; expected one that begins with http:// or https://.`,
  );
}

function assertPositive(options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(value > 0)) throw new RangeError(`"${name}" is ${value}; expected more than 0 ms.`);
  }
}

function assertCount(options: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === Infinity || (Number.isInteger(value) && value >= 1)) {
      continue;
    }
    throw new RangeError(`"${name}" is ${value}; expected a whole number of at least 1.`);
  }
}
