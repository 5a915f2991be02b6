import { notApplicable, type Reward, type RewardFailure, type RewardResult } from '../reward';
import { byScore, inReferencePixels } from './boxes';
import type { Detection, ObjectDetector } from './object-detector';
import { type Naming, namingOf } from './object-nouns';
import { relativePosition } from './relative-position';
import { parseSpatialPrompt, type Relation } from './spatial-prompt';

/**
 * The 2D spatial score of T2I-CompBench (Huang et al. 2023): a quarter of how sure the detector is
 * of each of the two things, and half of how well they stand ({@link relativePosition}), of the
 * most certain box of each; below 0.5 it is 0.
 *
 * @param detections with boxes in pixels of a picture whose longer side has 512
 */
export function spatialScore(
  relation: Relation,
  [first, second]: readonly [Detection | undefined, Detection | undefined],
): { value: number; position: number } {
  const position =
    first === undefined || second === undefined
      ? 0
      : relativePosition(relation, first.box, second.box);
  const sum = 0.25 * (first?.score ?? 0) + 0.25 * (second?.score ?? 0) + position / 2;
  return { value: sum < 0.5 ? 0 : sum, position };
}

interface Question {
  readonly relation: Relation;
  readonly first: Naming;
  readonly second: Naming;
}

function questionOf(prompt: string, detector: ObjectDetector): Question | RewardFailure {
  const outOfScope = (why: string) => notApplicable(`The prompt ${JSON.stringify(prompt)} ${why}.`);
  const parsed = parseSpatialPrompt(prompt);
  if (parsed === undefined) {
    return outOfScope('is no spatial one; expected one like "a cat on the left of a sofa"');
  }
  const first = namingOf(parsed.first, detector);
  const second = namingOf(parsed.second, detector);
  if (first === undefined || second === undefined) {
    const missing = first === undefined ? parsed.first : parsed.second;
    return outOfScope(`names "${missing}", which this detector does not know`);
  }
  if (first.label === second.label) {
    return outOfScope(`names two things that both are "${first.label}" to the detector`);
  }
  return { relation: parsed.relation, first, second };
}

/**
 * The most certain detection of exactly the label, else of a longer one.
 *
 * @param sorted most certain first
 */
function strongest(sorted: readonly Detection[], { label, loosely }: Naming) {
  return (
    sorted.find((detection) => detection.label === label) ??
    sorted.find((detection) => loosely(detection.label))
  );
}

/**
 * Whether two things stand as the prompt says: {@link spatialScore}. It does not apply to a prompt that
 * is not of T2I-CompBench's template, or names what the detector cannot.
 */
export function spatialReward({ detector }: { readonly detector: ObjectDetector }): Reward {
  return {
    name: 'spatial',
    version: `1:${detector.version}`,
    range: [0, 1],
    batchSize: 8,
    async score({ images, prompts }, { signal } = {}) {
      const results: RewardResult[] = [];
      for (const [index, image] of images.entries()) {
        signal?.throwIfAborted();
        const question = questionOf(prompts[index]!, detector);
        if ('ok' in question) {
          results.push(question);
          continue;
        }
        const { relation, first, second } = question;
        const found = await detector.detect(image, [first.label, second.label]);
        const sorted = byScore(inReferencePixels(found, image));
        const pair = [strongest(sorted, first), strongest(sorted, second)] as const;
        const { value, position } = spatialScore(relation, pair);
        const components = {
          first: pair[0]?.score ?? 0,
          second: pair[1]?.score ?? 0,
          position,
        };
        results.push({ ok: true, value, components });
      }
      return results;
    },
  };
}
