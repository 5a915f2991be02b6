/** The images of an iteration that were rewarded most. */
import type { IterationRecord } from '../run-folder/records';
import { figure } from '../terminal/words';
import type { DrawnImages } from './sink';
import { renderSampleGrid } from './sample-grid';

const MOST = 16;

/** A grid of them, the best first, each under its prompt and reward. */
export function renderBestImages(
  { iteration, rewards }: Pick<IterationRecord, 'iteration' | 'rewards'>,
  { images, prompts }: DrawnImages,
): Promise<Uint8Array> {
  // Of several workers the first has its own images alone, and they come first.
  const best = images
    .map((image, index) => ({
      ...{ image, reward: rewards[index] ?? Number.NaN },
      prompt: prompts[index] ?? '',
    }))
    .filter(({ reward }) => !Number.isNaN(reward))
    .sort((left, right) => right.reward - left.reward)
    .slice(0, MOST);
  return renderSampleGrid(
    best.map(({ reward, image, prompt }) => ({
      prompt: `${figure(reward)}: ${prompt}`,
      images: [image],
    })),
    { title: `iteration ${String(iteration)}: the highest rewards`, labels: ['image'] },
  );
}
