import { z } from 'zod';

import { createReward, rewardNames, rewardSettingsSchemas } from './create-reward';
import { jpegCompressibility } from './jpeg';
import { REWARD_RECIPES } from './reward-recipes';

test('makes a reward by its name', async () => {
  const reward = await createReward('jpeg-incompressibility');
  expect(reward.name).toBe('jpeg-incompressibility');
  expect(await rewardNames()).toContain('jpeg-compressibility');
});

test('says what there is for a name that no reward has', async () => {
  await expect(createReward('jpeg-compresibility', {}, ['shapes'])).rejects.toThrow(
    'There is no reward "jpeg-compresibility" (did you mean "jpeg-compressibility"?). Known rewards: shapes, jpeg-compressibility, ',
  );
  await expect(createReward('constructor')).rejects.toThrow('There is no reward "constructor".');
});

test('refuses settings that the reward does not take', async () => {
  await expect(createReward('jpeg-compressibility', { quality: 9 })).rejects.toThrow(
    'Reward "jpeg-compressibility": there is no setting "quality"; it takes none.',
  );
  await expect(createReward('clip-score', { modle: 'folder' })).rejects.toThrow(
    /there is no setting "modle" \(did you mean "model"\?\); it takes model, rewardFile,/,
  );
  await expect(createReward('clip-score')).rejects.toThrow(
    'Reward "clip-score": it needs the setting "model".',
  );
  await expect(createReward('clip-score', { model: 'folder', batchSize: 0.5 })).rejects.toThrow(
    'Reward "clip-score": setting "batchSize": invalid input: expected int, received number',
  );
  await expect(
    createReward('remote', { url: 'http://localhost:1', tokenEnv: 'NO_SUCH' }),
  ).rejects.toThrow("The environment variable NO_SUCH is not set; put the server's token there.");
});

test('makes the reward of the settings as they were read, once', async () => {
  const name = 'jpeg-compressibility';
  const create = jest.fn(() => jpegCompressibility());
  const settings = z.strictObject({ side: z.string().transform(Number) });
  const replaced = jest.replaceProperty(REWARD_RECIPES, name, { settings, create });
  await createReward(name, { side: '512' });
  replaced.restore();
  expect(create.mock.calls).toEqual([[{ side: 512 }]]);
});

test('the settings of every reward are there as a JSON Schema', async () => {
  const schemas = await rewardSettingsSchemas();
  expect(Object.keys(schemas)).toEqual(await rewardNames());
  expect(schemas['clip-score']).toMatchObject({
    type: 'object',
    properties: { model: { type: 'string' } },
    required: expect.arrayContaining(['model']),
    additionalProperties: false,
  });
});
