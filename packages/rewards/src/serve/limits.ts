/** What a server accepts, so that no client can take more of it than its share. */
export interface ServeLimits {
  /** Images in one request; more are answered 413. Default 256. */
  readonly maximumImages: number;
  /** Bytes of one request's body, counted while it is read; more are answered 413. Default 64 MiB. */
  readonly maximumBodyBytes: number;
  /** Width × height of one image, read from its header before it is unpacked; more are answered 413. Default 2²⁴. */
  readonly maximumPixels: number;
  /** Pixels of all images of a request together; more are answered 413. Default 2²⁶, 192 MiB unpacked. */
  readonly maximumRequestPixels: number;
  /**
   * Bytes that the server holds at once for all requests: their bodies, as much again for the texts and files in them, and
   * three for each pixel; more are answered 503, or 413 where one request alone is more. Default 512 MiB, or what the
   * largest request takes.
   */
  readonly maximumHeldBytes: number;
  /** Requests per reward that wait for their turn; more are answered 503 with Retry-After. Default 256. */
  readonly queue: number;
  /** Milliseconds from a request's headers to the end of its body; slower senders are answered 408. Default 30 s. */
  readonly bodyMs: number;
  /** Milliseconds from the end of the body to the answer, waiting included; then 504. Default 10 minutes. */
  readonly scoreMs: number;
  /** Connections at once; more are closed. Default 1024. */
  readonly connections: number;
}

export const DEFAULT_LIMITS: ServeLimits = {
  maximumImages: 256,
  maximumBodyBytes: 64 * 2 ** 20,
  maximumPixels: 2 ** 24,
  maximumRequestPixels: 2 ** 26,
  maximumHeldBytes: 512 * 2 ** 20,
  queue: 256,
  bodyMs: 30_000,
  scoreMs: 600_000,
  connections: 1024,
};

/** What timers of Node can wait: 2³¹ − 1 ms. */
const LARGEST_DELAY = 2 ** 31 - 1;

/** @throws {RangeError} when a limit is unknown or not a whole number that makes sense */
export function resolveLimits(limits: Partial<ServeLimits> = {}): ServeLimits {
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      const known = Object.keys(DEFAULT_LIMITS).join(', ');
      throw new RangeError(`There is no limit "${name}"; expected one of ${known}.`);
    }
    const least = name === 'queue' ? 0 : 1;
    const most = name.endsWith('Ms') ? LARGEST_DELAY : Number.MAX_SAFE_INTEGER;
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new RangeError(
        `The limit "${name}" is ${value}; expected a whole number from ${least} to ${most}.`,
      );
    }
  }
  const resolved = { ...DEFAULT_LIMITS, ...limits };
  const largest = 2 * resolved.maximumBodyBytes + 3 * resolved.maximumRequestPixels;
  return {
    ...resolved,
    maximumHeldBytes: limits.maximumHeldBytes ?? Math.max(resolved.maximumHeldBytes, largest),
  };
}
