import type { Image } from '../image';
import { scoreAll } from '../score-all';
import golden from './fixtures/t2i-compbench.json';
import { numeracyReward } from './numeracy-reward';
import type { Detection, ObjectDetector } from './object-detector';
import { spatialReward } from './spatial-reward';

/** Pictures as large as the benchmark's; what is in them is told by {@link detectorOf}. */
const image: Image = { width: 512, height: 512, data: new Uint8Array(512 * 512 * 3) };

function detectorOf(found: readonly Detection[]): ObjectDetector {
  return {
    version: 'golden',
    labels: new Set(golden.labels),
    detect: () => Promise.resolve([...found]),
  };
}

type Case = (typeof golden.spatial)[number];

async function check(rewardOf: typeof spatialReward, { prompt, found, score }: Case) {
  const detector = detectorOf(found as unknown as Detection[]);
  const [result] = await scoreAll(rewardOf({ detector }), { images: [image], prompts: [prompt] });
  expect(result).toMatchObject({ ok: true });
  // Sums and products of a few float64 in another order.
  expect(Math.abs((result as { value: number }).value - score)).toBeLessThan(1e-14);
}

it("scores positions as the benchmark's program does", async () => {
  for (const one of golden.spatial) await check(spatialReward, one);
});

it("scores numbers as the benchmark's program does", async () => {
  for (const one of golden.numeracy) await check(numeracyReward, one);
});
