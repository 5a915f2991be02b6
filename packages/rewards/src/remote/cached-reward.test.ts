import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { jpegIncompressibility } from '../jpeg';
import { fixtureImages, numberedImage } from '../protocol/testing/example-images';
import { numberReward } from '../protocol/testing/example-reward';
import { misbehavingServer } from '../protocol/testing/misbehaving-server';
import type { Reward, RewardBatch, RewardResult } from '../reward';
import { scoreAll } from '../score-all';
import { cachedReward } from './cached-reward';
import { remoteReward } from './remote-reward';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-rewards-cache-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** What was asked for, and a reward that remembers. */
function watched(overrides: Partial<Reward> = {}, maximumBytes?: number) {
  const asked: RewardBatch[] = [];
  const inner = numberReward(overrides);
  const reward: Reward = {
    ...inner,
    score: (batch, options) => {
      asked.push(batch);
      return inner.score(batch, options);
    },
  };
  return { asked, reward: cachedReward(reward, { folder, maximumBytes }) };
}

function batchOf(numbers: readonly number[], prompt = 'a prompt') {
  return { images: numbers.map(numberedImage), prompts: numbers.map(() => prompt) };
}

function files(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

const values = (results: readonly RewardResult[]) =>
  results.map((result) => (result.ok ? result.value : result.kind));

it('asks for what is not known, in order, also after a restart', async () => {
  const first = watched();
  expect(values(await first.reward.score(batchOf([1, 2])))).toEqual([1, 2]);
  expect(values(await first.reward.score(batchOf([3, 1, 4, 2])))).toEqual([3, 1, 4, 2]);
  expect(first.asked.map(({ images }) => images)).toEqual([
    [numberedImage(1), numberedImage(2)],
    [numberedImage(3), numberedImage(4)],
  ]);
  const second = watched();
  expect(values(await second.reward.score(batchOf([4, 3, 2, 1])))).toEqual([4, 3, 2, 1]);
  expect(second.asked).toEqual([]);
});

it('gives back what it was given, to the last bit, with its parts', async () => {
  const images = (await fixtureImages()).map(({ image }) => image);
  const batch = { images, prompts: images.map(() => '') };
  const plain = await scoreAll(jpegIncompressibility(), batch);
  const reward = cachedReward(jpegIncompressibility(), { folder });
  expect(await scoreAll(reward, batch)).toEqual(plain);
  expect(await scoreAll(reward, batch)).toEqual(plain);
  const third = numberReward({ score: async () => [{ ok: true, value: 1 / 3 }] });
  const kept = cachedReward(third, { folder });
  for (let time = 0; time < 2; time++) {
    expect(await kept.score(batchOf([0]))).toEqual([{ ok: true, value: 1 / 3 }]);
  }
});

it('tells apart everything that a score depends on', async () => {
  const image = { width: 2, height: 3, data: new Uint8Array(18) };
  const asks = async (overrides: Partial<Reward>, prompt: string, shown = image) => {
    const { asked, reward } = watched(overrides);
    await reward.score({ images: [shown], prompts: [prompt] });
    return asked.length;
  };
  expect(await asks({}, 'é')).toBe(1);
  expect(await asks({}, 'é')).toBe(0);
  expect(await asks({}, 'e\u0301')).toBe(0); // the same letter, written as two characters
  expect(await asks({}, 'é ')).toBe(1);
  expect(await asks({}, 'É')).toBe(1);
  expect(await asks({}, '\ud800')).toBe(1);
  expect(await asks({}, '\ud801')).toBe(1);
  expect(await asks({ name: 'other' }, 'é')).toBe(1);
  expect(await asks({ version: '2' }, 'é')).toBe(1);
  expect(await asks({}, 'é', { ...image, width: 3, height: 2 })).toBe(1);
  expect(await asks({}, 'é', { ...image, data: new Uint8Array(18).fill(1, 17) })).toBe(1);
});

it('shows the reward what the key is made of: bytes, and the prompt in its canonical form', async () => {
  const { asked, reward } = watched();
  const data = Float32Array.of(0.999, 0, 0.501);
  await reward.score({ images: [{ width: 1, height: 1, data }], prompts: ['e\u0301'] });
  const bytes = { width: 1, height: 1, data: Uint8Array.of(255, 0, 128) };
  expect(asked).toEqual([{ images: [bytes], prompts: ['é'] }]);
  await reward.score({ images: [bytes], prompts: ['é'] });
  expect(asked).toHaveLength(1);
});

it('keeps no failure, nor what is not a score', async () => {
  const answers: RewardResult[] = [
    { ok: false, kind: 'timeout', message: '', retryable: true },
    { ok: true, value: NaN },
    { ok: true, value: -1 },
    { ok: true, value: 5 },
  ];
  const asked: number[] = [];
  const { reward } = watched({
    score: async ({ images }) => {
      asked.push(images.length);
      return images.length === 4 ? answers : answers.slice(0, images.length);
    },
  });
  expect(await reward.score(batchOf([1, 2, 3, 4]))).toEqual(answers);
  expect(files()).toHaveLength(1);
  expect(await reward.score(batchOf([1, 2, 3, 4]))).toEqual(answers);
  expect(asked).toEqual([4, 3]);
  const broken = watched({ score: async () => [] });
  expect(await broken.reward.score(batchOf([7]))).toEqual([]);
});

it('leaves alone what cannot be remembered', () => {
  for (const overrides of [{ deterministic: false }, { scope: 'group' }] as const) {
    const reward = numberReward(overrides);
    expect(cachedReward(reward, { folder })).toBe(reward);
  }
});

it.each<[string, (file: string) => void]>([
  ['empty', (file) => writeFileSync(file, '')],
  ['cut off', (file) => writeFileSync(file, readFileSync(file).subarray(0, -2))],
  ['another digit', (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('7', '8'))],
  [
    'a folder',
    (file) => {
      rmSync(file);
      mkdirSync(file);
    },
  ],
])('asks again where a file is damaged: %s', async (what, damage) => {
  const { asked, reward } = watched();
  await reward.score(batchOf([7]));
  const [file = ''] = files();
  const intact = readFileSync(file, 'utf8');
  damage(file);
  expect(values(await reward.score(batchOf([7])))).toEqual([7]);
  expect(asked).toHaveLength(2);
  if (what === 'a folder') return;
  expect(readFileSync(file, 'utf8')).toBe(intact);
  await reward.score(batchOf([7]));
  expect(asked).toHaveLength(2);
});

it('stays within its size, and forgets what was not used for longest', async () => {
  const block = 4096;
  const { asked, reward } = watched({}, 10 * block);
  const past = Date.now() / 1000 - 1000;
  for (let number = 0; number < 10; number++) {
    const before = new Set(files());
    await reward.score(batchOf([number]));
    const [added = ''] = files().filter((file) => !before.has(file));
    utimesSync(added, past + number, past + number);
  }
  expect(files()).toHaveLength(10);
  await reward.score(batchOf([0]));
  await reward.score(batchOf([10]));
  await reward.dispose!();
  expect(files()).toHaveLength(9); // nine tenths
  asked.length = 0;
  await reward.score(batchOf([0, 1, 2, 3, 9, 10]));
  expect(asked).toEqual([batchOf([1, 2])]);
});

it('counts a full folder without looking at each file, and nobody waits for it', async () => {
  const names = Array.from({ length: 500 }, (_, index) => `${index}.json`);
  mkdirSync(join(folder, 'ab'));
  for (const name of names) writeFileSync(join(folder, 'ab', name), '');
  const looks = jest.spyOn(promises, 'stat');
  const { reward } = watched();
  await reward.score(batchOf([1]));
  await reward.dispose!();
  expect(looks).not.toHaveBeenCalled();
  looks.mockRestore();
});

it('removes what a process left behind that ended while writing, and no other file', async () => {
  const old = join(folder, 'aa', 'x.json.1.tmp');
  const young = join(folder, 'aa', 'y.json.2.tmp');
  const foreign = join(folder, 'notes.txt');
  mkdirSync(join(folder, 'aa'));
  for (const file of [old, young, foreign]) writeFileSync(file, '');
  const longAgo = Date.now() / 1000 - 7200;
  utimesSync(old, longAgo, longAgo);
  const { reward } = watched();
  await reward.score(batchOf([1]));
  await reward.dispose!();
  expect(files()).not.toContain(old);
  expect(files()).toEqual(expect.arrayContaining([young, foreign]));
});

it('can be shared by several that write at once', async () => {
  const rewards = Array.from({ length: 4 }, () => watched({}, 64 * 4096).reward);
  const numbers = Array.from({ length: 60 }, (_, index) => index);
  const results = await Promise.all(
    rewards.flatMap((reward) => numbers.map((number) => reward.score(batchOf([number])))),
  );
  expect(results.map((result) => values(result)[0])).toEqual(rewards.flatMap(() => numbers));
  const found = files();
  expect(found.filter((file) => !file.endsWith('.json'))).toEqual([]);
  expect(found.reduce((sum, file) => sum + statSync(file).size, 0)).toBeGreaterThan(0);
  const after = watched();
  expect(values(await after.reward.score(batchOf(numbers)))).toEqual(numbers);
  expect(after.asked).toEqual([]);
});

it('says when its folder cannot be', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => cachedReward(numberReward(), { folder: join(file, 'sub') })).toThrow();
  expect(() => cachedReward(numberReward(), { folder, maximumBytes: 100 })).toThrow(
    '"maximumBytes" is 100; expected at least 4096',
  );
});

it('spares a server what it has answered before', async () => {
  const server = await misbehavingServer(({ answer }) => answer());
  const reward = await remoteReward({ url: server.url, cache: { folder } });
  await reward.score(batchOf([1, 2]));
  expect(values(await reward.score(batchOf([1, 2, 3])))).toEqual([1, 2, 3]);
  expect(server.asked.map(({ numbers }) => numbers)).toEqual([[1, 2], [3]]);
  await server.close();
});
