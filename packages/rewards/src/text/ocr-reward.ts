import { distance } from 'fastest-levenshtein';

import { notApplicable, type Reward, type RewardResult } from '../reward';
import { paddleOcr } from './paddle-ocr';
import type { TextRecogniser } from './text-recogniser';

/** Which text a picture should show, by its prompt. */
export interface TargetText {
  /** Changes whenever the same prompt could ask for another text. */
  readonly version: string;
  /** @returns nothing where the prompt asks for no text */
  of(prompt: string): string | undefined;
}

/** What stands between the first two straight double quotes: `A sign that says "OPEN"`. */
export const quotedText: TargetText = {
  version: 'quoted:1',
  of: (prompt) => /"([^"]*)"/.exec(prompt)?.[1],
};

export interface OcrRewardOptions {
  /** {@link quotedText} when left out. */
  readonly target?: TargetText | undefined;
  /** `paddleOcr()` when left out. */
  readonly recogniser?: TextRecogniser | undefined;
}

const squeeze = (text: string) => text.replaceAll(/\s/g, '').toLowerCase();

/**
 * How well a text that was read is the one asked for (Flow-GRPO, Liu et al. 2025, section 4.1):
 * 1 − min(d, n)/n, where n is the length of the target and d the Levenshtein distance, both without
 * white space and in lower case. d is 0 where the target is part of what was read.
 *
 * @throws {RangeError} when the target is nothing but white space
 */
export function textAccuracy(target: string, read: string): { value: number; distance: number } {
  const [asked, seen] = [squeeze(target), squeeze(read)];
  if (asked === '') {
    throw new RangeError('There is no text to look for; expected a target with a letter in it.');
  }
  const edits = seen.includes(asked) ? 0 : distance(seen, asked);
  return { value: 1 - Math.min(edits, asked.length) / asked.length, distance: edits };
}

/**
 * Whether the picture shows the text that its prompt asks for: {@link textAccuracy} of its lines in
 * reading order, joined. A picture without any text scores 0; to a prompt that asks for none the
 * reward does not apply.
 *
 * @throws {Error} when the libraries of the default recogniser are not installed
 */
export async function ocrReward({
  target = quotedText,
  recogniser,
}: OcrRewardOptions = {}): Promise<Reward> {
  const reader = recogniser ?? (await paddleOcr());
  return {
    name: 'ocr',
    version: `1:${target.version}:${reader.version}`,
    range: [0, 1],
    batchSize: 8,
    async score({ images, prompts }, { signal } = {}) {
      const results: RewardResult[] = [];
      for (const [index, image] of images.entries()) {
        signal?.throwIfAborted();
        const asked = target.of(prompts[index]!);
        if (asked === undefined || squeeze(asked) === '') {
          results.push(
            notApplicable(
              `The prompt ${JSON.stringify(prompts[index])} asks for no text; put the text in double quotes.`,
            ),
          );
          continue;
        }
        const lines = await reader.read(image);
        const { value, distance: edits } = textAccuracy(
          asked,
          lines.map(({ text }) => text).join(''),
        );
        results.push({ ok: true, value, components: { distance: edits, lines: lines.length } });
      }
      return results;
    },
    async dispose() {
      // One that was handed in belongs to the caller.
      if (recogniser === undefined) await reader.dispose?.();
    },
  };
}
