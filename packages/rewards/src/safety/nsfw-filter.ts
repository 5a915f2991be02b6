import { type Image, imageProblem } from '../image';
import { type NsfwClassifier, nsfwClassifier, safeProbability } from './nsfw-classifier';

export interface NsfwFilterOptions {
  /** Least probability of neutral and drawing together of a picture that is kept, in [0, 1]; 0.5 when left out. */
  readonly threshold?: number | undefined;
  /** `nsfwClassifier()` when left out, which the filter then frees; one that is given belongs to the caller. */
  readonly classifier?: NsfwClassifier | undefined;
}

/** Says of each picture whether it may be kept; see {@link nsfwFilter}. */
export interface ImageFilter {
  (images: readonly Image[]): Promise<boolean[]>;
  /** Frees the classifier, unless it was given. */
  dispose(): void;
}

/** Pictures that are classified at once. */
const BATCH = 8;

/**
 * A filter for pictures before they are saved or shown: `true` for one that may be kept. What
 * cannot be classified, because it is no picture, is not kept.
 *
 * @throws {RangeError} when the threshold is not in [0, 1]
 * @throws {Error} when the libraries are not installed or no TensorFlow.js backend is set
 */
export async function nsfwFilter({
  threshold = 0.5,
  classifier,
}: NsfwFilterOptions = {}): Promise<ImageFilter> {
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new RangeError(`The threshold is ${threshold}; expected a probability in [0, 1].`);
  }
  const chosen = classifier ?? (await nsfwClassifier());
  const filter = async (images: readonly Image[]) => {
    const kept = images.map(() => false);
    const sound = [...images.keys()].filter((index) => imageProblem(images[index]!) === undefined);
    for (let start = 0; start < sound.length; start += BATCH) {
      const batch = sound.slice(start, start + BATCH);
      const classified = await chosen.classify(batch.map((index) => images[index]!));
      for (const [position, index] of batch.entries()) {
        kept[index] = safeProbability(classified[position]!) >= threshold;
      }
    }
    return kept;
  };
  return Object.assign(filter, {
    dispose: () => {
      if (classifier === undefined) chosen.dispose();
    },
  });
}
