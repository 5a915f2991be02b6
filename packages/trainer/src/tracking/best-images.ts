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
  const best = rewards
    .map((reward, index) => ({ reward, image: images[index], prompt: prompts[index] ?? '' }))
    .filter(({ reward }) => !Number.isNaN(reward))
    .sort((left, right) => right.reward - left.reward)
    .slice(0, MOST);
  return renderSampleGrid(
    best.map(({ reward, image, prompt }) => ({
      prompt: `${figure(reward)}: ${prompt}`,
      images: image === undefined ? [] : [image],
    })),
    { title: `iteration ${String(iteration)}: the highest rewards`, labels: ['image'] },
  );
}
