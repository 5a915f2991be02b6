/** Scores a batch at a server, and searches for the image that spoils it where there is one. */
import type { Info, ScoreRequest } from '../protocol/schemas';
import { encodeWireImage } from '../protocol/wire-image';
import { type RewardBatch, rewardFailure, type RewardResult } from '../reward';
import { parseAnswer } from './parse-answer';
import { RemoteFailure, remoteFailure } from './remote-failure';
import type { RemoteRewardEvent } from './remote-reward-options';
import type { Patience, ServerLink } from './server-link';

export interface RemoteTarget {
  readonly link: ServerLink;
  /** Path of the reward's score. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** False for a reward that compares images: half of a group would have other scores. */
  readonly divisible: boolean;
  /** What the server says one request may have. */
  readonly limits: Info['limits'];
  readonly onEvent: (event: RemoteRewardEvent) => void;
}

/** An image on its way, and its place in the batch. */
interface Item {
  readonly index: number;
  readonly image: string;
  readonly prompt: string;
  readonly pixels: number;
}

const ANSWER_BYTES = 64 * 1024;
/** Of a request, besides images and prompts. */
const ENVELOPE_BYTES = 64;

/** @returns one result per image, in order; nothing is thrown */
export async function scoreRemotely(
  target: RemoteTarget,
  { images, prompts }: RewardBatch,
  patience: Patience,
): Promise<RewardResult[]> {
  const results: RewardResult[] = [];
  if (patience.signal?.aborted === true) {
    const { kind, message, traits } = new RemoteFailure('aborted', 'The caller no longer waits.');
    return images.map(() => rewardFailure(kind, message, traits.retryable));
  }
  const encoded = await Promise.all(
    images.map(async (image, index): Promise<Item[]> => {
      try {
        const wire = await encodeWireImage(image);
        const pixels = image.width * image.height;
        return [{ index, image: wire, prompt: prompts[index] ?? '', pixels }];
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        results[index] = rewardFailure('invalid-image', why);
        return [];
      }
    }),
  );
  const items = encoded.flat();
  if (items.length > 0) {
    const keep = (part: readonly Item[], found: readonly RewardResult[]) => {
      for (const [position, { index }] of part.entries()) results[index] = found[position]!;
    };
    for (const part of cutToFit(target, items)) await scoreParts(target, part, patience, keep);
  }
  return results;
}

/** Quotes, commas and what JSON escapes: a prompt's character takes at most six bytes. */
const bodyBytes = ({ image, prompt }: Item): number => image.length + 6 * prompt.length + 8;

/** What the server takes in one request each. An image that is too large by itself is the server's to refuse. */
function cutToFit({ limits, divisible }: RemoteTarget, items: readonly Item[]): Item[][] {
  const { maximumBodyBytes = Infinity, maximumRequestPixels = Infinity } = limits;
  const requests: Item[][] = [];
  let [bytes, pixels] = [Infinity, Infinity];
  for (const item of items) {
    bytes += bodyBytes(item);
    pixels += item.pixels;
    const fits = bytes <= maximumBodyBytes && pixels <= maximumRequestPixels;
    if (requests.length > 0 && (fits || !divisible)) requests.at(-1)!.push(item);
    else {
      requests.push([item]);
      bytes = ENVELOPE_BYTES + bodyBytes(item);
      pixels = item.pixels;
    }
  }
  return requests;
}

/**
 * Asks for all of them, and where that fails because of what they are, for halves, level by level: while one half fails,
 * the other is answered, so that the circuit breaker sees that the server lives. With one bad image among n this takes
 * 2·log₂ n requests; no more than twice that are sent, and what is not alone by then shares the failure of its part.
 */
async function scoreParts(
  target: RemoteTarget,
  items: readonly Item[],
  patience: Patience,
  keep: (part: readonly Item[], results: readonly RewardResult[]) => void,
): Promise<void> {
  let requestsLeft = 4 * Math.ceil(Math.log2(items.length));
  const parts: { readonly items: readonly Item[]; readonly failed?: RemoteFailure }[] = [{ items }];
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const { items: own, failed } = part;
    const failAll = (failure: RemoteFailure) => {
      const { kind, message, traits } = failure;
      keep(
        own,
        own.map(() => rewardFailure(kind, message, traits.retryable)),
      );
    };
    if (failed !== undefined && requestsLeft-- <= 0) {
      failAll(failed);
      continue;
    }
    try {
      keep(own, await askFor(target, own, patience, failed !== undefined));
    } catch (error) {
      const failure = remoteFailure(error);
      if (!target.divisible || own.length === 1 || !failure.traits.split || isOver(patience)) {
        failAll(failure);
        continue;
      }
      target.onEvent({ type: 'split', images: own.length, kind: failure.kind });
      const middle = own.length >> 1;
      parts.push({ items: own.slice(0, middle), failed: failure });
      parts.push({ items: own.slice(middle), failed: failure });
    }
  }
}

function isOver({ deadline, signal }: Patience): boolean {
  return deadline.signal.aborted || signal?.aborted === true;
}

async function askFor(
  { link, path, name, version }: RemoteTarget,
  items: readonly Item[],
  patience: Patience,
  searching: boolean,
): Promise<RewardResult[]> {
  const request: ScoreRequest = {
    images: items.map(({ image }) => image),
    prompts: items.map(({ prompt }) => prompt),
  };
  return link.ask(
    {
      path,
      body: JSON.stringify(request),
      maximumBytes: ANSWER_BYTES * (items.length + 1),
      read: (text) => parseAnswer(text, { count: items.length, reward: name, version }),
      searching,
    },
    patience,
  );
}
