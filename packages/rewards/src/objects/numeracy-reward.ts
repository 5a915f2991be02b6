import { notApplicable, type Reward, type RewardFailure, type RewardResult } from '../reward';
import { byScore, inReferencePixels } from './boxes';
import { countedObjects } from './counted-objects';
import type { Box, Detection, ObjectDetector } from './object-detector';
import { type Naming, namingOf, objectNouns } from './object-nouns';

const SAME = 0.9;

/** The benchmark counts the pixels from x0 to x1 with both ends. */
function isSameThing(a: Box, b: Box): boolean {
  const area = ([x0, y0, x1, y1]: Box) => (x1 - x0 + 1) * (y1 - y0 + 1);
  const shared =
    Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + 1) *
    Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + 1);
  return (
    shared / (area(a) + area(b) - shared) > SAME ||
    shared / area(a) > SAME ||
    shared / area(b) > SAME
  );
}

/**
 * Drops a box where a more certain one of the same label has an IoU above 0.9 with it, or either
 * lies within the other by more than 0.9 of its area: `calculate_iou` of T2I-CompBench.
 *
 * @param detections with boxes in pixels of a picture whose longer side has 512
 * @returns most certain first
 */
export function mergeSameThings(detections: readonly Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const next of byScore(detections)) {
    const isKnown = ({ label, box }: Detection) =>
      label === next.label && isSameThing(next.box, box);
    if (!kept.some(isKnown)) kept.push(next);
  }
  return kept;
}

interface Wanted extends Naming {
  readonly count: number;
}

/**
 * The numeracy score of T2I-CompBench (Huang et al. 2023): the mean over the things asked for of
 * half for being there and half for being as many as asked for.
 */
export function numeracyScore(
  wanted: readonly Wanted[],
  detections: readonly Detection[],
): { value: number; present: number; counted: number } {
  const labels = mergeSameThings(detections).map(({ label }) => label);
  let present = 0;
  let counted = 0;
  for (const { label, loosely, count } of wanted) {
    // As in the benchmark longer labels stand in only where there is none of the label itself.
    const isMeant = labels.includes(label) ? (other: string) => other === label : loosely;
    const seen = labels.filter(isMeant).length;
    if (seen > 0) present += 1;
    if (seen === count) counted += 1;
  }
  const value = (0.5 * present + 0.5 * counted) / wanted.length;
  return { value, present: present / wanted.length, counted: counted / wanted.length };
}

function wantedBy(
  prompt: string,
  detector: ObjectDetector,
  nouns: ReturnType<typeof objectNouns>,
): Wanted[] | RewardFailure {
  const outOfScope = (why: string) => notApplicable(`The prompt ${JSON.stringify(prompt)} ${why}.`);
  const counted = countedObjects(prompt, nouns);
  if ('unknown' in counted)
    return outOfScope(`counts "${counted.unknown}", which is no known noun`);
  if (counted.length === 0) {
    return outOfScope('counts nothing; expected one like "three dogs and two cats"');
  }
  const wanted: Wanted[] = [];
  for (const { noun, count } of counted) {
    const naming = namingOf(noun, detector);
    if (naming === undefined) {
      return outOfScope(`names "${noun}", which this detector does not know`);
    }
    if (wanted.some(({ label }) => label === naming.label)) {
      return outOfScope(`counts two things that both are "${naming.label}" to the detector`);
    }
    wanted.push({ ...naming, count });
  }
  return wanted;
}

/**
 * Whether there are as many things as the prompt says: {@link numeracyScore}. It does not apply to a
 * prompt that counts nothing, counts something that is no known noun, or names what the detector cannot.
 */
export function numeracyReward({ detector }: { readonly detector: ObjectDetector }): Reward {
  const nouns = objectNouns(detector);
  return {
    name: 'numeracy',
    version: `1:${detector.version}`,
    range: [0, 1],
    batchSize: 8,
    async score({ images, prompts }, { signal } = {}) {
      const results: RewardResult[] = [];
      for (const [index, image] of images.entries()) {
        signal?.throwIfAborted();
        const wanted = wantedBy(prompts[index]!, detector, nouns);
        if ('ok' in wanted) {
          results.push(wanted);
          continue;
        }
        const found = await detector.detect(
          image,
          wanted.map(({ label }) => label),
        );
        const { value, present, counted } = numeracyScore(wanted, inReferencePixels(found, image));
        results.push({ ok: true, value, components: { present, counted } });
      }
      return results;
    },
  };
}
