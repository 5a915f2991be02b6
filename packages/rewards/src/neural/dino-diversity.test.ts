import { scoreAll } from '../score-all';
import { dinoDiversity } from './dino-diversity';
import { fixture, golden, largestDifference, readImages, valuesOf } from './testing/golden';

const model = fixture('dino');
const { dinoDistances } = golden.dino;

it("gives each image its mean distance to the others, whose mean is the group's", async () => {
  const reward = await dinoDiversity({ model, batchSize: 2 });
  const images = await readImages();
  const count = images.length;
  const got = valuesOf(await scoreAll(reward, { images, prompts: images.map(() => 'a') }));
  const expected = dinoDistances.map(
    (row, i) => row.reduce((sum, value, j) => (i === j ? sum : sum + value), 0) / (count - 1),
  );
  // Differences of cosines near 1 in float32: 1e-7 seen.
  expect(largestDifference([got], [expected])).toBeLessThan(1e-6);
  let pairs = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++) pairs += dinoDistances[i]![j]! / ((count * (count - 1)) / 2);
  }
  const mean = got.reduce((sum, value) => sum + value, 0) / count;
  expect(Math.abs(mean - pairs)).toBeLessThan(1e-6);
  await reward.dispose?.();
});

it('compares images of one prompt only, and does not apply to one that is alone', async () => {
  const reward = await dinoDiversity({ model });
  expect(reward.scope).toBe('group');
  const images = await readImages();
  const prompts = ['a', 'b', 'a', 'c', 'b'];
  const results = await scoreAll(reward, { images, prompts });
  expect(results[3]).toMatchObject({ ok: false, kind: 'not-applicable', retryable: false });
  const got = valuesOf(results.filter((_, index) => index !== 3));
  const near = [dinoDistances[0]![2]!, dinoDistances[1]![4]!];
  expect(largestDifference([got], [[near[0]!, near[1]!, near[0]!, near[1]!]])).toBeLessThan(1e-6);
  // The same in one call.
  expect(await reward.score({ images, prompts })).toEqual(results);
  await reward.dispose?.();
});

it('compares the images of a group where groups are given, though prompts are equal', async () => {
  const reward = await dinoDiversity({ model });
  const images = (await readImages()).slice(0, 4);
  const batch = { images, prompts: images.map(() => 'a'), groups: [1, 2, 1, 2] };
  const got = valuesOf(await scoreAll(reward, batch));
  const [first, second] = [dinoDistances[0]![2]!, dinoDistances[1]![3]!];
  expect(largestDifference([got], [[first, second, first, second]])).toBeLessThan(1e-6);
  // The same in one call.
  expect(valuesOf(await reward.score(batch))).toEqual(got);
  await reward.dispose?.();
});

it('finds no difference between an image and itself', async () => {
  const reward = await dinoDiversity({ model });
  const [image] = await readImages();
  const got = valuesOf(await scoreAll(reward, { images: [image!, image!], prompts: ['a', 'a'] }));
  for (const value of got) expect(Math.abs(value)).toBeLessThan(1e-12);
  await reward.dispose?.();
});
