import { setTimeout as sleep } from 'node:timers/promises';

import type { Image } from './image';
import { type Reward, rewardFailure, type RewardResult } from './reward';
import { scoreAll } from './score-all';

function pixel(value: number): Image {
  return { width: 1, height: 1, data: Float32Array.of(value, value, value) };
}

function batchOf(values: readonly number[]) {
  return { images: values.map(pixel), prompts: values.map((value) => `prompt ${value}`) };
}

/** Scores the red channel; `overrides` replaces how. */
function redReward(overrides: Partial<Reward> = {}): Reward {
  return {
    name: 'red',
    version: '1',
    range: [0, 1],
    batchSize: 2,
    score: ({ images }) =>
      Promise.resolve(images.map(({ data }) => ({ ok: true, value: data[0] ?? NaN }))),
    ...overrides,
  };
}

function failWith(results: unknown): Reward {
  return redReward({ score: () => Promise.resolve(results as RewardResult[]) });
}

describe('scoreAll', () => {
  it('splits into batches and keeps the order', async () => {
    const sizes: number[] = [];
    const seen: string[] = [];
    const inner = redReward();
    const reward = redReward({
      score: (batch) => {
        sizes.push(batch.images.length);
        seen.push(...batch.prompts);
        return inner.score(batch);
      },
    });
    const results = await scoreAll(reward, batchOf([0, 0.25, 0.5, 0.75, 1]));
    expect(results.map((result) => result.ok && result.value)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(sizes).toEqual([2, 2, 1]);
    expect(seen).toEqual(['prompt 0', 'prompt 0.25', 'prompt 0.5', 'prompt 0.75', 'prompt 1']);
  });

  it('has as many calls under way as the reward allows, and keeps the order', async () => {
    let underWay = 0;
    let most = 0;
    const inner = redReward();
    const reward = redReward({
      batchSize: 1,
      concurrency: 3,
      score: async (batch) => {
        underWay++;
        most = Math.max(most, underWay);
        // The first images take longest.
        await sleep(30 * (1 - (batch.images[0]?.data[0] ?? 0)));
        underWay--;
        return inner.score(batch);
      },
    });
    const values = [0, 0.125, 0.25, 0.5, 0.75, 0.875, 1];
    const results = await scoreAll(reward, batchOf(values));
    expect(results.map((result) => result.ok && result.value)).toEqual(values);
    expect(most).toBe(3);
  });

  it('shows all images of a prompt in one call to a reward that compares them', async () => {
    const calls: (readonly string[])[] = [];
    const reward = redReward({
      scope: 'group',
      score: ({ prompts }) => {
        calls.push(prompts);
        return Promise.resolve(prompts.map(() => ({ ok: true, value: prompts.length / 8 })));
      },
    });
    const prompts = ['a', 'b', 'a', 'a', 'b'];
    const results = await scoreAll(reward, { images: prompts.map(() => pixel(0)), prompts });
    expect(calls).toEqual([
      ['a', 'a', 'a'],
      ['b', 'b'],
    ]);
    expect(results.map((result) => result.ok && result.value)).toEqual(
      [3, 2, 3, 3, 2].map((n) => n / 8),
    );
  });

  it('says so where a failure does not say why', async () => {
    const [result] = await scoreAll(failWith([{ ok: false }]), batchOf([0]));
    expect(result).toEqual({
      ok: false,
      kind: 'malformed',
      message: 'Reward "red" failed and did not say why.',
      retryable: false,
    });
  });

  it('asks nothing about nothing', async () => {
    expect(await scoreAll(redReward(), { images: [], prompts: [] })).toEqual([]);
  });

  it('makes a failure of every image whose call throws, and of no other', async () => {
    let calls = 0;
    const inner = redReward();
    const reward = redReward({
      score: (batch) => {
        calls++;
        if (calls === 2) throw new Error('out of memory');
        return inner.score(batch);
      },
    });
    const results = await scoreAll(reward, batchOf([0, 0.25, 0.5, 0.75, 1]));
    const failed = { ok: false, kind: 'exception', message: 'Reward "red" failed: out of memory' };
    expect(results).toMatchObject([{ ok: true }, { ok: true }, failed, failed, { ok: true }]);
  });

  it('passes a reward’s own failures on', async () => {
    const failure = rewardFailure('timeout', 'no answer', true);
    expect(await scoreAll(failWith([failure]), batchOf([0]))).toEqual([failure]);
  });

  it.each([
    ['too few results', [], 'wrong-count', 'gave 0 results for 1 images'],
    [
      'too many results',
      [
        { ok: true, value: 0 },
        { ok: true, value: 0 },
      ],
      'wrong-count',
      'gave 2',
    ],
    ['no list', 'fine', 'wrong-count', 'gave no list of results'],
    ['a bare number', [0.5], 'malformed', 'gave no result'],
    ['a hole', [undefined], 'malformed', 'gave no result'],
    ['null', [null], 'malformed', 'gave no result'],
    ['NaN', [{ ok: true, value: NaN }], 'non-finite', 'gave NaN'],
    ['infinity', [{ ok: true, value: Infinity }], 'non-finite', 'gave Infinity'],
    ['a text as value', [{ ok: true, value: '1' }], 'non-finite', 'gave 1'],
    ['more than its range', [{ ok: true, value: 1.5 }], 'out-of-range', 'outside its range [0, 1]'],
    ['less than its range', [{ ok: true, value: -0.1 }], 'out-of-range', 'gave -0.1'],
  ])('makes a failure of %s', async (_, results, kind, message) => {
    const [result] = await scoreAll(failWith(results), batchOf([0]));
    expect(result).toMatchObject({ ok: false, kind, retryable: false });
    expect(result).toHaveProperty('message', expect.stringContaining(message));
  });

  it('does not show a broken image to the reward', async () => {
    const { images, prompts } = batchOf([0.1, NaN, 0.3, 0.4]);
    const broken = { width: 2, height: 1, data: new Uint8Array(3) };
    const results = await scoreAll(redReward(), {
      images: [...images, broken],
      prompts: [...prompts, 'short'],
    });
    expect(results.map((result) => (result.ok ? 'scored' : result.kind))).toEqual([
      'scored',
      'invalid-image',
      'scored',
      'scored',
      'invalid-image',
    ]);
  });

  it('throws on the program’s own mistakes', async () => {
    const { images } = batchOf([0, 1]);
    await expect(scoreAll(redReward(), { images, prompts: ['one'] })).rejects.toThrow(
      '2 images and 1 prompts',
    );
    await expect(scoreAll(redReward({ batchSize: 0 }), batchOf([0]))).rejects.toThrow(
      'batch size 0',
    );
  });
});
