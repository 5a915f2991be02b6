import { readFileSync } from 'node:fs';

import { aesthetic } from './aesthetic';
import {
  fixture,
  golden,
  largestDifference,
  readImages,
  valuesOf,
  withModel,
} from './testing/golden';

const model = fixture('clip');

it.each(['v1', 'v2'] as const)('gives the scores that torch gives: %s', async (head) => {
  const reward = await aesthetic({ model, head });
  const images = await readImages();
  const got = valuesOf(await reward.score({ images, prompts: images.map(() => '') }));
  // Five layers in float32 there, one in float64 here: 1e-7 seen.
  expect(largestDifference([got], [golden.clip.aesthetic[head]])).toBeLessThan(2e-6);
  await reward.dispose?.();
});

it('takes version 2 when nothing is said, and knows the range', async () => {
  const reward = await aesthetic({ model });
  expect(reward.version).toMatch(/-"v2"$/);
  const settings = JSON.parse(readFileSync(fixture('clip', 'reward.json'), 'utf8'));
  const { weight, bias } = settings.aesthetic.v2 as { weight: number[]; bias: number };
  const length = Math.hypot(...weight);
  expect(reward.range[0]).toBeCloseTo(bias - length, 10);
  expect(reward.range[1]).toBeCloseTo(bias + length, 10);
  await reward.dispose?.();
});

it('does not need the text half', async () => {
  const files = { 'onnx/text_model.onnx': undefined, 'tokenizer.json': undefined };
  await withModel('clip', files, async (folder) => {
    const reward = await aesthetic({ model: folder });
    const images = (await readImages()).slice(0, 1);
    const [value] = valuesOf(await reward.score({ images, prompts: [''] }));
    expect(Math.abs(value! - golden.clip.aesthetic.v2[0]!)).toBeLessThan(2e-6);
    await reward.dispose?.();
  });
});

it('names the heads that there are', async () => {
  await expect(aesthetic({ model, head: 'v3' })).rejects.toThrow(
    "The model's reward.json has no aesthetic head 'v3'; it has v1, v2",
  );
  await expect(aesthetic({ model, head: 'constructor' })).rejects.toThrow('no aesthetic head');
});

it('refuses a head of another model', async () => {
  const short = JSON.stringify({ aesthetic: { v2: { weight: [1, 2], bias: 0 } } });
  await withModel('clip', { 'reward.json': short }, async (folder) => {
    const reward = await aesthetic({ model: folder });
    const images = (await readImages()).slice(0, 1);
    await expect(reward.score({ images, prompts: [''] })).rejects.toThrow(
      "have 24 numbers and the aesthetic head 'v2' 2;",
    );
    await reward.dispose?.();
  });
});
