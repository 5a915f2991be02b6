import { createRewards } from './rewards';

describe('createRewards', () => {
  const of = (...names: string[]) =>
    names.map((name) => ({
      ...{ name, weight: 1, policy: 'mask' as const, scale: 'none' as const, settings: {} },
    }));

  test('opens rewards by name, under their labels', async () => {
    const [shapes, jpeg] = of('shapes', 'jpeg-compressibility');
    const rewards = await createRewards([shapes!, { ...jpeg!, label: 'size' }]);
    expect(rewards.map(({ name }) => name)).toEqual(['shapes', 'size']);
  });

  test('refuses names and settings that there are not, and says what there is', async () => {
    await expect(createRewards(of('shaps'))).rejects.toThrow(
      'There is no reward "shaps" (did you mean "shapes"?). Known rewards: shapes, jpeg-compressibility',
    );
    const [jpeg] = of('jpeg-compressibility');
    await expect(createRewards([{ ...jpeg!, settings: { quality: 9 } }])).rejects.toThrow(
      'Reward "jpeg-compressibility": there is no setting "quality"; it takes none.',
    );
    await expect(createRewards(of('shapes', 'shapes'))).rejects.toThrow(
      'Two rewards are called "shapes"; give one of them a label',
    );
  });
});
