/** Keeps pictures that may not be safe for work out of what is written. */
import {
  nsfwClassifier,
  nsfwFilter,
  type Image,
  type NsfwClassifier,
} from '@loop-diffusion/rewards';

import { UserError } from '../user-error';

export interface PictureScreen {
  /** What may be shown of these: the images, an even grey one of its size for each that is withheld. */
  show(images: readonly Image[]): Promise<{ shown: readonly Image[]; withheld: number }>;
  /** Frees the classifier. */
  dispose(): void;
}

const GREY = 128;

/**
 * The classifier works on the backend that is in use.
 *
 * @param threshold least probability that a picture is safe for work, by nsfwjs, for it to be shown, in [0, 1]; null shows all
 *   and needs no library
 * @param open gives the classifier, which the screen frees
 * @throws UserError when the classifier's libraries are not installed
 */
export async function createPictureScreen(
  threshold: number | null,
  open: () => Promise<NsfwClassifier> = nsfwClassifier,
): Promise<PictureScreen> {
  if (threshold === null) {
    return {
      show: (images) => Promise.resolve({ shown: images, withheld: 0 }),
      dispose: () => undefined,
    };
  }
  const classifier = await open().catch((error: unknown) => {
    throw new UserError(error instanceof Error ? error.message : String(error), { cause: error });
  });
  const isSafe = await nsfwFilter({ threshold, classifier });
  return {
    async show(images) {
      const safe = await isSafe(images);
      return {
        shown: images.map((image, index) => (safe[index] === true ? image : greyLike(image))),
        withheld: safe.filter((answer) => !answer).length,
      };
    },
    dispose: () => {
      classifier.dispose();
    },
  };
}

function greyLike({ width, height }: Image): Image {
  return { width, height, data: new Uint8Array(width * height * 3).fill(GREY) };
}
