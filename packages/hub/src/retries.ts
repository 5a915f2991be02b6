/** What to do again when a server or the way to it fails for a while. */
import { setTimeout } from 'node:timers/promises';

import { UserError } from '../user-error';

/** The hub cannot be had right now; what is in the cache still can. */
export class HubUnreachable extends UserError {}

/** Trying again may help. */
export class TemporaryFailure extends Error {
  /** @param retryAfterSeconds that the server asked to wait */
  constructor(
    message: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(message);
  }
}

export type Sleep = (milliseconds: number) => Promise<unknown>;

const FIRST_WAIT_SECONDS = 1;
const LONGEST_WAIT_SECONDS = 120;
/** A download that got so much further deserves its tries anew. */
const PROGRESS_BYTES = 1024 ** 2;

/**
 * Tries up to `tries` times (5), waiting 1, 2, 4 and 8 s in between, or as long as the server asks for.
 * @param options.bytesDone how far a download is, whose progress renews the tries
 * @throws HubUnreachable after the last try, or when a server asks for more than two minutes; other errors as they come
 */
export async function withRetries<Result>(
  attempt: () => Promise<Result>,
  options: {
    sleep?: Sleep | undefined;
    tries?: number | undefined;
    bytesDone?: (() => number) | undefined;
  } = {},
): Promise<Result> {
  const { sleep = setTimeout, tries = 5, bytesDone = () => 0 } = options;
  let failures = 0;
  let bytesBefore = bytesDone();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TemporaryFailure)) throw error;
      if (bytesDone() - bytesBefore >= PROGRESS_BYTES) {
        failures = 0;
        bytesBefore = bytesDone();
      }
      failures++;
      const seconds = error.retryAfterSeconds ?? FIRST_WAIT_SECONDS * 2 ** (failures - 1);
      if (failures >= tries || seconds > LONGEST_WAIT_SECONDS) {
        throw new HubUnreachable(error.message, { cause: error });
      }
      await sleep(1000 * seconds);
    }
  }
}

/**
 * The header of RFC 9110, section 10.2.3: seconds, or a date.
 * @returns undefined when there is none or it is something else
 */
export function retryAfterSeconds(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  // Date.parse takes nearly anything.
  const date = /GMT\s*$/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
