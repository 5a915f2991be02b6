import { cutIntoMinibatches } from './minibatches';

const sorted = (values: readonly number[]) => [...values].sort((first, second) => first - second);
const everyone = (count: number) => Array.from({ length: count }, (_, index) => index);
const alone = (images: readonly number[]) => images.map((image) => [image]);

describe('cutIntoMinibatches', () => {
  it.each([
    [64, 2, 1],
    [7, 3, 1],
    [12, 8, 4],
  ])(
    'has each of %d images once an epoch (%d updates, %d epochs)',
    (images, innerUpdates, innerEpochs) => {
      const minibatches = cutIntoMinibatches(
        alone(everyone(images)),
        { innerUpdates, innerEpochs },
        5,
        0,
      );
      expect(minibatches).toHaveLength(innerUpdates);
      const parts = innerUpdates / innerEpochs;
      for (let epoch = 0; epoch < innerEpochs; epoch += 1) {
        const members = minibatches.slice(epoch * parts, (epoch + 1) * parts).flat();
        expect(sorted(members)).toEqual(everyone(images));
      }
      const sizes = minibatches.map((minibatch) => minibatch.length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    },
  );

  it('shares those that are left evenly, where some are left out', () => {
    const cut = cutIntoMinibatches(alone([1, 2, 5, 9]), { innerUpdates: 2, innerEpochs: 1 }, 5, 0);
    expect(cut.map(({ length }) => length)).toEqual([2, 2]);
    expect(sorted(cut.flat())).toEqual([1, 2, 5, 9]);
  });

  it('leaves units whole, in their order', () => {
    const units = [
      [3, 1],
      [4, 7],
      [9, 8],
    ];
    const cut = cutIntoMinibatches(units, { innerUpdates: 2, innerEpochs: 1 }, 5, 0);
    expect(cut.map(({ length }) => length).sort()).toEqual([2, 4]);
    const pairs = cut.flatMap((minibatch) =>
      everyone(minibatch.length / 2).map((pair) => minibatch.slice(2 * pair, 2 * pair + 2)),
    );
    expect(sorted(pairs.map((pair) => units.findIndex(([first]) => first === pair[0])))).toEqual([
      0, 1, 2,
    ]);
    for (const pair of pairs) expect(units).toContainEqual(pair);
  });

  it('depends on seed, iteration and epoch, and on nothing else', () => {
    const cut = (seed: number, iteration: number) =>
      cutIntoMinibatches(alone(everyone(32)), { innerUpdates: 2, innerEpochs: 2 }, seed, iteration);
    expect(cut(1, 4)).toEqual(cut(1, 4));
    expect(cut(1, 4)).not.toEqual(cut(2, 4));
    expect(cut(1, 4)).not.toEqual(cut(1, 5));
    expect(cut(1, 4)[0]).not.toEqual(cut(1, 4)[1]);
  });
});
