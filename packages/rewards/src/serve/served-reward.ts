/** A reward behind a server: as many calls at once as it allows, a line of bounded length before it, and a known answer. */
import { Gate } from '@loop-diffusion/http';

import type { Image } from '../image';
import type { RewardInfo, ScoreRequest } from '../protocol/schemas';
import {
  decodeWireImage,
  encodeWireImage,
  openWireImage,
  type WirePicture,
} from '../protocol/wire-image';
import { type Reward, rewardFailure, type RewardResult } from '../reward';
import { scoreAll } from '../score-all';
import type { Holding } from './byte-budget';
import { HttpProblem } from './http-problem';
import type { ServeLimits } from './limits';

const BYTES_PER_PIXEL = 3;
/** Of what a failure says: a reward may repeat what it was asked. */
const MAXIMUM_MESSAGE = 1_000;
const MAXIMUM_KIND = 64;

export class ServedReward {
  /** Requests whose images are unpacked: one more than are scored, so that the reward need not wait for PNG. */
  readonly #requests: Gate;
  #admitted = 0;

  private constructor(
    readonly info: RewardInfo,
    readonly reward: Reward,
    readonly limits: ServeLimits,
  ) {
    this.#requests = new Gate(info.concurrency + 1);
  }

  /** Asks the reward for its known answer. */
  static async start(
    reward: Reward,
    probe: { readonly image: Image; readonly prompt: string },
    limits: ServeLimits,
  ): Promise<ServedReward> {
    const { name, version, batchSize, concurrency = 1, scope = 'image' } = reward;
    const deterministic = reward.deterministic ?? true;
    const finite = (value: number) => (Number.isFinite(value) ? value : null);
    const info: RewardInfo = {
      name,
      version,
      range: reward.range.map(finite),
      maximumBatch: batchSize,
      concurrency,
      scope,
      deterministic,
      probe: null,
    };
    if (!deterministic || scope === 'group') return new ServedReward(info, reward, limits);
    // The bytes that a client will send, so that what is promised is what it will get.
    const image = await encodeWireImage(probe.image);
    const picture = openWireImage(image);
    if (typeof picture === 'string') throw new RangeError(`The probe cannot be used: ${picture}.`);
    const images = [await decodeWireImage(picture)];
    const [result] = await scoreAll(reward, { images, prompts: [probe.prompt] });
    const known = result?.ok ? { image, prompt: probe.prompt, value: result.value } : null;
    return new ServedReward({ ...info, probe: known }, reward, limits);
  }

  /** Requests that wait for their turn, whether or not their bodies have come. */
  get queueLength(): number {
    return Math.max(0, this.#admitted - this.#requests.limit);
  }

  get underWay(): number {
    return Math.min(this.#admitted, this.#requests.limit);
  }

  /**
   * Runs what a request needs, from its body on, if there is room for it.
   * @throws {HttpProblem} 503 with Retry-After when the line is full
   */
  async admit<T>(task: () => Promise<T>): Promise<T> {
    if (this.#admitted >= this.#requests.limit + this.limits.queue) {
      throw new HttpProblem(
        503,
        'busy',
        `${this.queueLength} requests wait for reward "${this.info.name}", and no more may; ask again later.`,
        { 'retry-after': '1' },
      );
    }
    this.#admitted++;
    try {
      return await task();
    } finally {
      this.#admitted--;
    }
  }

  /**
   * Scores a request's images in their order. An image that cannot be read is a failure of that image (`invalid-image`)
   * and not of the request: the others are good, and a client need not search for the one that is not.
   * @param holding what the unpacked pixels are taken from
   * @throws {HttpProblem} 413 when there are more images or pixels than allowed, 503 when the server holds too much at the
   * moment; nothing is unpacked then
   */
  async score(
    { images, prompts }: ScoreRequest,
    { signal, holding }: { readonly signal: AbortSignal; readonly holding: Holding },
  ): Promise<RewardResult[]> {
    return this.#requests.run(async () => {
      const pictures = images.map(openWireImage);
      holding.take(BYTES_PER_PIXEL * this.#checkedPixels(pictures));
      const decoded = await Promise.all(pictures.map(decode));
      const readable = decoded.flatMap((image, index) =>
        'data' in image ? [{ image, index }] : [],
      );
      const scored = await scoreAll(
        this.reward,
        {
          images: readable.map(({ image }) => image),
          prompts: readable.map(({ index }) => prompts[index] ?? ''),
        },
        { signal },
      );
      const inOrder = scored.values();
      return decoded.map((image) => forTheWire('data' in image ? inOrder.next().value! : image));
    }, signal);
  }

  /** @returns how many there are together */
  #checkedPixels(pictures: readonly (WirePicture | string)[]): number {
    const { maximumPixels, maximumRequestPixels } = this.limits;
    let total = 0;
    for (const [index, picture] of pictures.entries()) {
      if (typeof picture === 'string') continue;
      const { width, height } = picture;
      if (width * height > maximumPixels) {
        const message = `images[${index}] is ${width}×${height}; expected at most ${maximumPixels} pixels.`;
        throw new HttpProblem(413, 'image-too-large', message);
      }
      total += width * height;
    }
    if (total > maximumRequestPixels) {
      const message = `The images have ${total} pixels together; expected at most ${maximumRequestPixels}.`;
      throw new HttpProblem(413, 'image-too-large', message);
    }
    return total;
  }
}

async function decode(picture: WirePicture | string): Promise<Image | RewardResult> {
  const invalid = (problem: string) =>
    rewardFailure('invalid-image', `The image cannot be scored: ${problem}.`);
  if (typeof picture === 'string') return invalid(picture);
  try {
    return await decodeWireImage(picture);
  } catch {
    return invalid('its PNG file is damaged');
  }
}

/** Only what the protocol has, and numbers that JSON has. */
function forTheWire(result: RewardResult): RewardResult {
  if (!result.ok) {
    // A failure is passed on by scoreAll as the reward made it, which may have been written without types.
    const { kind, message, retryable }: { kind: unknown; message: unknown; retryable: unknown } =
      result;
    return rewardFailure(
      typeof kind === 'string' ? shortened(kind, MAXIMUM_KIND) : 'unknown',
      typeof message === 'string' ? shortened(message, MAXIMUM_MESSAGE) : '',
      retryable === true,
    );
  }
  const { value, components } = result;
  if (components === undefined) return { ok: true, value };
  const finite = Object.entries(components).filter(([, part]) => Number.isFinite(part));
  return { ok: true, value, components: Object.fromEntries(finite) };
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
