import { humanPreference } from './human-preference';
import { fixture, golden, largestDifference, scoreAllPairs } from './testing/golden';

it('gives the scores that open_clip gives with its own weights', async () => {
  const reward = await humanPreference({ model: fixture('clip-h') });
  const got = await scoreAllPairs(reward, golden.prompts);
  // 3e-7 seen.
  expect(largestDifference(got, golden['clip-h'].humanPreference)).toBeLessThan(5e-6);
  expect(reward.range).toEqual([-1, 1]);
  await reward.dispose?.();
});
