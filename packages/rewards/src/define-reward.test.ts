import { defineReward, rewardFromFunction, type ScoringFunction } from './define-reward';
import type { Image } from './image';
import { notApplicable, type RewardResult } from './reward';
import { scoreAll } from './score-all';

const grey = (value: number): Image => ({
  width: 1,
  height: 1,
  data: Float32Array.of(value, value, value),
});
const batch = { images: [grey(0), grey(0.5), grey(1)], prompts: ['a', 'bb', 'ccc'] };
const red = ({ data }: Image) => data[0]!;

async function scoresOf(score: ScoringFunction) {
  return scoreAll(defineReward({ name: 'mine' }, score), batch);
}

test.each<[string, ScoringFunction]>([
  ['of a batch', ({ images }) => images.map(red)],
  ['of images and prompts', (images, _prompts) => images.map(red)],
  ['of images', (images) => images.map(red)],
  ['with any number of arguments', (...given) => given[0].map(red)],
  ['that takes its time', async ({ images }) => images.map(red)],
  ['that gives a typed array', (images) => Float32Array.from(images, red)],
  ['that gives results', (images) => images.map((image) => ({ ok: true, value: red(image) }))],
])('a function %s is a reward', async (_, score) => {
  expect(await scoresOf(score)).toEqual([0, 0.5, 1].map((value) => ({ ok: true, value })));
});

test('gives the function prompts, groups and the signal', async () => {
  const score = jest.fn<number[], Parameters<ScoringFunction>>((_images, prompts) =>
    prompts.map(({ length }) => length),
  );
  const { signal } = new AbortController();
  const reward = defineReward({ name: 'mine' }, score);
  const results = await scoreAll(reward, { ...batch, groups: [4, 4, 5] }, { signal });
  expect(results.map((result) => result.ok && result.value)).toEqual([1, 2, 3]);
  const [images, prompts, options] = score.mock.calls[0]!;
  expect([...images]).toEqual(batch.images);
  expect(images.prompts).toBe(prompts);
  expect(images.groups).toEqual([4, 4, 5]);
  expect(options.signal).toBe(signal);
});

test('null says that it does not apply, and what is no score says what came', async () => {
  const odd = [null, undefined, '0.5'] as unknown as number[];
  expect(await scoresOf(() => odd)).toEqual([
    notApplicable('Reward "mine" does not apply to this image.'),
    expect.objectContaining({
      kind: 'malformed',
      message:
        'Reward "mine" gave nothing for this image; expected a number, or null where it does not apply.',
    }),
    expect.objectContaining({ message: expect.stringContaining('gave the text "0.5"') }),
  ]);
  expect(await scoresOf(() => [Number.NaN, 1, Infinity])).toMatchObject([
    { ok: false, kind: 'non-finite' },
    { ok: true, value: 1 },
    { ok: false, kind: 'non-finite' },
  ]);
});

test.each<[string, unknown, string]>([
  ['one number', 0.5, 'gave 0.5 for 3 images; expected a list with a number for each.'],
  ['too few', [1], 'gave 1 scores for 3 images'],
  ['nothing', undefined, 'gave nothing for 3 images'],
  ['scores and something else', [[1, 2, 3], {}], 'gave 2 scores for 3 images'],
])('%s for all images fails them all', async (_, given, message) => {
  const results = await scoresOf(() => given as number[]);
  expect(results).toHaveLength(3);
  for (const result of results) {
    expect(result).toMatchObject({ ok: false, kind: 'wrong-count' });
    expect((result as RewardResult & { message: string }).message).toContain(message);
  }
});

test('a function that throws fails its images by name', async () => {
  const [result] = await scoresOf(() => {
    throw new TypeError('images.mop is not a function');
  });
  expect(result).toMatchObject({
    kind: 'exception',
    message: 'Reward "mine" failed: images.mop is not a function',
  });
});

test('has what a reward has, and keeps to its range', async () => {
  const definition = { name: 'mine', version: '3', range: [0, 0.75], batchSize: 2 } as const;
  const reward = defineReward(definition, (images) => images.map(red));
  expect(reward).toMatchObject({ ...definition, deterministic: true });
  expect(await scoreAll(reward, batch)).toMatchObject([
    { ok: true },
    { ok: true },
    { ok: false, kind: 'out-of-range' },
  ]);
});

test('without a version is not cached, and tells functions apart by their text', () => {
  const one = rewardFromFunction(function redness(images) {
    return images.map(red);
  });
  expect(one).toMatchObject({
    name: 'redness',
    deterministic: false,
    range: [-Infinity, Infinity],
  });
  const other = rewardFromFunction((images) => images.map(() => 1), 'one');
  expect(other.name).toBe('one');
  expect(other.version).not.toBe(one.version);
  expect(rewardFromFunction(() => []).name).toBe('reward');
});

test('mistakes are errors at once', () => {
  expect(() => defineReward({ name: 'mine', range: [1, 0] }, () => [])).toThrow(
    'Reward "mine" has the range [1, 0]; expected [least, most]',
  );
  expect(() => defineReward({ name: 'mine' }, 3 as unknown as ScoringFunction)).toThrow(
    'Reward "mine" is defined by 3; expected a function ({ images, prompts }) => numbers.',
  );
});
