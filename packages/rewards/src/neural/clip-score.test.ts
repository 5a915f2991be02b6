import { clipScore } from './clip-score';
import {
  fixture,
  golden,
  largestDifference,
  readImages,
  scoreAllPairs,
  valuesOf,
} from './testing/golden';

const model = fixture('clip');

it('gives the scores that transformers gives', async () => {
  const reward = await clipScore({ model, intraOpNumThreads: 1 });
  const got = await scoreAllPairs(reward, golden.prompts);
  // Float32 through two transformers, in another order of operations: 4e-7 seen, with scores up to 0.73.
  expect(largestDifference(got, golden.clip.clipScore)).toBeLessThan(5e-6);
  // Some cosines are negative, and some are not.
  expect(got.flat().filter((value) => value === 0).length).toBeGreaterThan(2);
  expect(got.flat().filter((value) => value > 0.1).length).toBeGreaterThan(10);
  await reward.dispose?.();
});

it('gives an image the same score alone and among others', async () => {
  const reward = await clipScore({ model, batchSize: 3 });
  const images = await readImages();
  const prompts = images.map((_, index) => golden.prompts[index]!);
  const together = valuesOf(await reward.score({ images, prompts }));
  for (const [index, image] of images.entries()) {
    const [alone] = valuesOf(await reward.score({ images: [image], prompts: [prompts[index]!] }));
    // Texts are padded to the longest of their batch, which changes the order of sums.
    expect(Math.abs(alone! - together[index]!)).toBeLessThan(2e-6);
  }
  await reward.dispose?.();
});

it('says what a score is made of, within its range', async () => {
  const reward = await clipScore({ model });
  expect(reward.range).toEqual([0, 2.5]);
  expect(reward.batchSize).toBe(8);
  const [image] = await readImages();
  const [result] = await reward.score({ images: [image!], prompts: [golden.prompts[0]!] });
  expect(result).toMatchObject({ ok: true });
  if (result?.ok) expect(result.value).toBe(2.5 * Math.max(0, result.components!['cosine']!));
  await reward.dispose?.();
});

it('has a version that changes with the prefix', async () => {
  const plain = await clipScore({ model });
  const other = await clipScore({ model, prefix: '' });
  expect(plain.version).toMatch(/^1-[0-9a-f]{64}-"A photo depicts "$/);
  expect(other.version.replace(/-""$/, '')).toBe(plain.version.slice(0, 2 + 64));
  await Promise.all([plain.dispose?.(), other.dispose?.()]);
});

it('scores no more once it was disposed of', async () => {
  const reward = await clipScore({ model });
  const images = (await readImages()).slice(0, 1);
  const running = reward.score({ images, prompts: ['a red car'] });
  await running;
  await reward.dispose?.();
  await reward.dispose?.();
  await expect(reward.score({ images, prompts: ['a red car'] })).rejects.toThrow(
    'Reward "clip-score" was disposed of; make a new one to score',
  );
});

it('stops between batches when nobody waits any more', async () => {
  const reward = await clipScore({ model, batchSize: 1 });
  const images = await readImages();
  const prompts = images.map(() => 'a red car');
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(reward.score({ images, prompts }, { signal })).rejects.toThrow('enough');
  await reward.dispose?.();
});

it.each([0, 1.5, NaN])('refuses a batch size of %p', async (batchSize) => {
  await expect(clipScore({ model, batchSize })).rejects.toThrow(RangeError);
});
