import { STREAMS } from '../noise-streams';
import { shuffled } from '../prompts/prompt-order';

/** Which ones they are moves a figure by an eighth of the standard error that the prompts leave it. */
const ORDERS = 64;

/** In what orders the images of a prompt are cut into groups: the same for every estimator, so that they compare. */
export function groupOrders(images: number, seed: number, prompt: number): number[][] {
  return Array.from({ length: ORDERS }, (_, sample) =>
    shuffled(images, { seed, prompt, sample, step: 0, stream: STREAMS.groupOrders }),
  );
}
