import { pickScore } from './pick-score';
import { fixture, golden, largestDifference, scoreAllPairs, withModel } from './testing/golden';

const model = fixture('clip');

it('gives the scores that transformers gives', async () => {
  const reward = await pickScore({ model });
  const got = await scoreAllPairs(reward, golden.prompts);
  // exp(4.5) = 90 times the difference of the cosines, of which 2e-7 is seen.
  expect(largestDifference(got, golden.clip.pickScore)).toBeLessThan(2e-4);
  expect(reward.range[1]).toBeCloseTo(Math.exp(4.5), 10);
  await reward.dispose?.();
});

it('divides by what Flow-GRPO divides by', async () => {
  const reward = await pickScore({ model, divisor: 26 });
  const got = await scoreAllPairs(reward, golden.prompts.slice(0, 1));
  const expected = golden.clip.pickScore.map(([value]) => [value! / 26]);
  expect(largestDifference(got, expected)).toBeLessThan(1e-5);
  await reward.dispose?.();
});

it('names the setting that a model lacks', async () => {
  await withModel('clip', { 'reward.json': undefined }, async (folder) => {
    await expect(pickScore({ model: folder })).rejects.toThrow(
      "Reward \"pick-score\" needs 'logitScale' in the model's reward.json, and there is none",
    );
    const reward = await pickScore({ model: folder, rewardFile: fixture('clip', 'reward.json') });
    expect(reward.range[1]).toBeCloseTo(Math.exp(4.5), 10);
    await reward.dispose?.();
  });
});

it.each([0, -26, NaN, Infinity])('refuses a divisor of %p', async (divisor) => {
  await expect(pickScore({ model, divisor })).rejects.toThrow(RangeError);
});
