/** An answer whose body is still to come. */
import { untilAborted } from './abort';
import { Deadline } from './deadline';
import { HttpError, transportError } from './http-error';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from, after redirections. */
  readonly url: string;
  /**
   * The body as it comes, once; what is not read is not fetched.
   * @throws {HttpError} while it is read, when the connection fails or more comes than `maximumBytes`
   */
  chunks(): AsyncIterable<Uint8Array>;
  /** The whole body. */
  bytes(): Promise<Uint8Array>;
  /** The whole body as UTF-8. */
  text(): Promise<string>;
  /** @throws {HttpError} `not-json`; besides what the body throws */
  json(): Promise<unknown>;
}

export interface AnswerLimits {
  /** Ends the reading; its reason is what is thrown then. */
  readonly signal: AbortSignal;
  readonly maximumBytes: number;
  readonly stallMs: number;
  /** For messages. */
  readonly where: string;
}

const EXCERPT = 80;

export function openAnswer(response: Response, limits: AnswerLimits): HttpAnswer {
  const { status, headers, url } = response;
  const chunks = () => readChunks(response, limits);
  const bytes = async () => {
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks()) parts.push(chunk);
    return Buffer.concat(parts);
  };
  const text = async () => new TextDecoder().decode(await bytes());
  return {
    ...{ status, headers, url, chunks, bytes, text },
    async json() {
      const said = await text();
      try {
        return JSON.parse(said) as unknown;
      } catch {
        const excerpt = said.replaceAll(/\s+/g, ' ').trim().slice(0, EXCERPT);
        const message = `${limits.where} gave no JSON: ${excerpt || 'nothing at all'}`;
        throw new HttpError('not-json', message);
      }
    },
  };
}

async function* readChunks(
  { body, headers }: Response,
  { signal, maximumBytes, stallMs, where }: AnswerLimits,
): AsyncGenerator<Uint8Array> {
  const tooLarge = () =>
    new HttpError('too-large', `The answer of ${where} is longer than ${maximumBytes} bytes.`);
  // What it unpacks to is longer still.
  if (Number(headers.get('content-length') ?? 0) > maximumBytes) throw tooLarge();
  const reader = (body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return;
  let length = 0;
  for (;;) {
    const { done, value } = await overNetwork(reader.read(), { signal, stallMs, where });
    if (done) return;
    length += value.length;
    if (length > maximumBytes) throw tooLarge();
    yield value;
  }
}

/** What fails in here is the network's fault, or its slowness. */
export async function overNetwork<T>(
  wait: Promise<T>,
  { signal, stallMs, where }: Omit<AnswerLimits, 'maximumBytes'>,
): Promise<T> {
  const stall = new Deadline(
    stallMs,
    () => new HttpError('stalled', `Nothing came from ${where} for ${stallMs} ms.`),
  );
  try {
    return await stall.during(() => untilAborted(untilAborted(wait, signal), stall.signal));
  } catch (error) {
    // A fetch that heeds its signal may fail first.
    throw signal.aborted ? (signal.reason as Error) : transportError(error, where);
  }
}
