import { setTimeout as sleep } from 'node:timers/promises';

import type { Image } from './image';
import {
  isFailure,
  isNotApplicable,
  notApplicable,
  type Reward,
  type RewardBatch,
  rewardFailure,
  type RewardResult,
} from './reward';
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

/** Throws what need not be an error. */
function throwing(reason: unknown): Reward['score'] {
  return async () => {
    throw reason;
  };
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

  it('compares the images of a group, whatever their prompts', async () => {
    const calls: RewardBatch[] = [];
    const reward = redReward({
      scope: 'group',
      score: (batch) => {
        calls.push(batch);
        return Promise.resolve(batch.images.map(() => ({ ok: true, value: 0 })));
      },
    });
    // The same prompt was drawn twice: two groups.
    const prompts = ['a', 'a', 'a', 'a', 'b'];
    const groups = [7, 7, 3, 3, 3];
    const results = await scoreAll(reward, {
      images: prompts.map(() => pixel(0)),
      prompts,
      groups,
    });
    expect(results).toHaveLength(5);
    expect(calls.map(({ prompts, groups }) => ({ prompts, groups }))).toEqual([
      { prompts: ['a', 'a'], groups: [7, 7] },
      { prompts: ['a', 'a', 'b'], groups: [3, 3, 3] },
    ]);
  });

  it('has no more calls under way than the reward allows, whoever asks', async () => {
    let underWay = 0;
    let most = 0;
    const inner = redReward();
    const reward = redReward({
      concurrency: 2,
      batchSize: 1,
      score: async (batch) => {
        most = Math.max(most, ++underWay);
        await sleep(1);
        underWay--;
        return inner.score(batch);
      },
    });
    const batches = [
      [0, 0.5],
      [0.25, 0.75],
      [1, 0.125],
    ];
    const all = await Promise.all(batches.map((values) => scoreAll(reward, batchOf(values))));
    expect(all.map((results) => results.map((result) => result.ok && result.value))).toEqual(
      batches,
    );
    expect(most).toBe(2);
  });

  it('does not wait for a reward that does not listen when it is called off', async () => {
    const controller = new AbortController();
    const inner = redReward();
    let calls = 0;
    const reward = redReward({
      score: async (batch) => {
        calls++;
        if (calls === 1) return inner.score(batch);
        controller.abort(new Error('enough'));
        return new Promise<never>(() => undefined);
      },
    });
    const { signal } = controller;
    const results = await scoreAll(reward, batchOf([0, 0.25, 0.5, 0.75, 1]), { signal });
    const aborted = {
      ok: false,
      kind: 'aborted',
      message: 'Reward "red" was called off before it answered.',
      retryable: true,
    };
    expect(results).toEqual([
      { ok: true, value: 0 },
      { ok: true, value: 0.25 },
      aborted,
      aborted,
      aborted,
    ]);
    // Nothing is begun that nobody waits for.
    expect(calls).toBe(2);
    // And those who wait behind it leave the line.
    await expect(scoreAll(reward, batchOf([0]), { signal })).resolves.toEqual([aborted]);
    expect(calls).toBe(2);
  });

  it('passes on that the reward does not apply', async () => {
    const out = notApplicable('no quotes');
    const results = await scoreAll(failWith([out]), batchOf([0]));
    expect(results).toEqual([out]);
    expect(results.map(isNotApplicable)).toEqual([true]);
    expect(results.map(isFailure)).toEqual([false]);
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

  it.each<[string, Reward['score'], string]>([
    ['a text', throwing('out of memory'), 'out of memory'],
    ['nothing', throwing(undefined), 'undefined'],
    [
      'before it returns a promise',
      () => {
        throw new TypeError('x is not defined');
      },
      'x is not defined',
    ],
  ])('makes a failure of what throws %s', async (_, score, why) => {
    const results = await scoreAll(redReward({ score }), batchOf([0, 1]));
    const message = `Reward "red" failed: ${why}`;
    expect(results).toEqual([0, 1].map(() => rewardFailure('exception', message)));
  });

  it('takes results that come without a promise', async () => {
    const now = (() => [{ ok: true, value: 1 }]) as unknown as Reward['score'];
    expect(await scoreAll(redReward({ score: now }), batchOf([0]))).toEqual([
      { ok: true, value: 1 },
    ]);
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
    ['no list', 'fine', 'wrong-count', 'gave the text "fine" in the place of a list of results'],
    [
      'a bare number',
      [0.5],
      'malformed',
      'gave 0.5 for this image; expected { ok: true, value: a number }',
    ],
    ['a hole', [undefined], 'malformed', 'gave nothing for this image'],
    ['null', [null], 'malformed', 'gave null for this image'],
    ['NaN', [{ ok: true, value: NaN }], 'non-finite', 'gave NaN'],
    ['infinity', [{ ok: true, value: Infinity }], 'non-finite', 'gave Infinity'],
    [
      'a text as value',
      [{ ok: true, value: '1' }],
      'non-finite',
      'gave the text "1" as value; expected a finite number',
    ],
    ['a typed array', Float32Array.of(1), 'wrong-count', 'gave a Float32Array in the place'],
    ['a bigint', [{ ok: true, value: 1n }], 'non-finite', 'gave the bigint 1 as value'],
    ['scores beside something else', [[0.5], {}], 'wrong-count', 'gave 2 results for 1 images'],
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
    await expect(scoreAll(redReward(), { ...batchOf([0, 1]), groups: [0] })).rejects.toThrow(
      '2 images and 1 groups',
    );
    await expect(scoreAll(redReward({ batchSize: 0 }), batchOf([0]))).rejects.toThrow(
      'batch size 0',
    );
    const open = [null, null] as unknown as Reward['range'];
    await expect(scoreAll(redReward({ range: open }), batchOf([0]))).rejects.toThrow(
      'Reward "red" has the range [null, null]; expected [least, most]',
    );
  });
});
