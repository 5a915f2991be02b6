/** Requests to the hub and to where it sends on. */
import { UserError } from '../user-error';
import type { HubModel } from './hub-model';
import type { HubSettings } from './hub-settings';
import { refusal } from './refusals';
import { TemporaryFailure, withRetries, type Sleep } from './retries';

export interface HubConnection {
  readonly model: HubModel;
  readonly endpoint: string;
  /** As `fetch`, for small answers, which come whole: with tries, a limit of time and one of size. */
  readonly fetchSmall: typeof fetch;
  /**
   * One try.
   * @param use reads the body, chunk by chunk
   * @throws TemporaryFailure when the network or the server fails, or nothing comes for a while; UserError for a refusal;
   *   what `use` throws
   */
  stream<Result>(
    url: string,
    headers: Readonly<Record<string, string>>,
    use: (response: Response, body: AsyncIterable<Uint8Array>) => Promise<Result>,
  ): Promise<Result>;
  /** See {@link withRetries}. */
  retry<Result>(attempt: () => Promise<Result>, bytesDone?: () => number): Promise<Result>;
}

export interface ConnectionOptions {
  readonly tries?: number | undefined;
  /** Stands in for the system's in tests. */
  readonly sleep?: Sleep | undefined;
  /** A server that sends nothing for so long is given up. */
  readonly stallMilliseconds?: number | undefined;
}

const STALL_MILLISECONDS = 30_000;
/** A page of a listing has a thousand files of some hundred bytes. */
const MAXIMUM_SMALL_BYTES = 32 * 1024 ** 2;
const RANGE_NOT_SATISFIABLE = 416;

export function connectToHub(
  model: HubModel,
  settings: HubSettings,
  { sleep, tries, stallMilliseconds = STALL_MILLISECONDS }: ConnectionOptions = {},
): HubConnection {
  const { endpoint, token } = settings;
  const { origin, host } = new URL(endpoint);

  const retry: HubConnection['retry'] = (attempt, bytesDone) =>
    withRetries(attempt, { sleep, tries, bytesDone });

  const stream: HubConnection['stream'] = async (url, given, use) => {
    const headers = new Headers(given);
    headers.set('User-Agent', 'loop-diffusion');
    // The token is for the hub alone; `fetch` drops it too where the hub redirects to another origin.
    if (token !== undefined && new URL(url).origin === origin) {
      headers.set('Authorization', `Bearer ${token}`);
    }
    const controller = new AbortController();
    /** What fails in here is the network's fault. */
    async function overNetwork<Value>(wait: Promise<Value>): Promise<Value> {
      const timer = setTimeout(() => {
        controller.abort(new Error(`nothing came for ${stallMilliseconds / 1000} s`));
      }, stallMilliseconds);
      try {
        return await wait;
      } catch (error) {
        const reason: unknown = controller.signal.aborted ? controller.signal.reason : error;
        throw new TemporaryFailure(
          `${model.text} cannot be fetched: the connection to ${host} failed (${networkReason(reason)})`,
        );
      } finally {
        clearTimeout(timer);
      }
    }
    async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
      const reader = response.body?.getReader();
      while (reader !== undefined) {
        const read = (await overNetwork(reader.read())) as { done: boolean; value: Uint8Array };
        if (read.done) return;
        yield read.value;
      }
    }
    try {
      const response = await overNetwork(fetch(url, { headers, signal: controller.signal }));
      if (!response.ok && response.status !== RANGE_NOT_SATISFIABLE) {
        throw refusal(response, model, settings);
      }
      return await use(response, bodyOf(response));
    } finally {
      // Ends what was not read.
      controller.abort();
    }
  };

  return {
    model,
    endpoint,
    stream,
    retry,
    fetchSmall: (input, init) =>
      retry(() =>
        stream(
          input instanceof Request ? input.url : String(input),
          Object.fromEntries(new Headers(init?.headers)),
          async (response, body) => {
            const chunks: Uint8Array[] = [];
            let size = 0;
            for await (const chunk of body) {
              size += chunk.length;
              if (size > MAXIMUM_SMALL_BYTES) {
                throw new UserError(
                  `${model.text} cannot be fetched: ${host} answers with more than ${MAXIMUM_SMALL_BYTES / 1024 ** 2} MiB where a list was expected`,
                );
              }
              chunks.push(chunk);
            }
            return new Response(Buffer.concat(chunks), {
              status: response.status,
              headers: response.headers,
            });
          },
        ),
      ),
  };
}

/** `fetch` says no more than that it failed, and keeps the reason as the cause. */
function networkReason(error: unknown): string {
  const { cause, message } = error as { cause?: unknown; message?: unknown };
  if (cause !== undefined) return networkReason(cause);
  const { code } = error as { code?: unknown };
  if (typeof message === 'string' && message !== '') return message;
  return typeof code === 'string' ? code : 'unknown';
}
