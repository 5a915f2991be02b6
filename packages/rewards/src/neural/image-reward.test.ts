import { imageReward } from './image-reward';
import {
  fixture,
  golden,
  largestDifference,
  readImages,
  scoreAllPairs,
  valuesOf,
} from './testing/golden';

const model = fixture('image-reward');

it('gives the scores that torch gives', async () => {
  const reward = await imageReward({ model });
  const got = await scoreAllPairs(reward, golden.prompts);
  // Texts are padded to 35 tokens there and to the longest here: 1e-6 seen, with scores up to 3.7.
  expect(largestDifference(got, golden['image-reward'].imageReward)).toBeLessThan(1e-5);
  await reward.dispose?.();
});

it('gives an image the same score alone and among others', async () => {
  const reward = await imageReward({ model, batchSize: 2 });
  const images = await readImages();
  const prompts = images.map((_, index) => golden.prompts[index]!);
  const together = valuesOf(await reward.score({ images, prompts }));
  const expected = images.map((_, index) => golden['image-reward'].imageReward[index]![index]!);
  expect(largestDifference([together], [expected])).toBeLessThan(1e-5);
  await reward.dispose?.();
});
