import { STREAMS } from '../noise-streams';
import { shuffled } from '../prompts/prompt-order';

/**
 * Cuts an iteration's images into the minibatches of its optimizer steps. Every unit is in one minibatch of each inner
 * epoch; the order is drawn anew each time.
 *
 * @param units images that stay together; those that are not learnt from are left out, so that the mean is over the others
 * @param innerUpdates optimizer steps in all, a multiple of `innerEpochs`
 * @param innerEpochs times that every image is learnt from
 * @returns of each minibatch the images, unit by unit
 */
export function cutIntoMinibatches(
  units: readonly (readonly number[])[],
  { innerUpdates, innerEpochs }: { readonly innerUpdates: number; readonly innerEpochs: number },
  seed: number,
  iteration: number,
): number[][] {
  const parts = innerUpdates / innerEpochs;
  return Array.from({ length: innerEpochs }, (_, epoch) => {
    const key = { seed, prompt: iteration, sample: epoch, step: 0, stream: STREAMS.minibatches };
    const order = shuffled(units.length, key).map((position) => units[position] ?? []);
    return Array.from({ length: parts }, (_, part) =>
      order
        .slice(
          Math.round((part * order.length) / parts),
          Math.round(((part + 1) * order.length) / parts),
        )
        .flat(),
    );
  }).flat();
}
