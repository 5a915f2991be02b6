import type { Image } from '../image';
import type { NsfwClassifier } from './nsfw-classifier';
import { nsfwFilter } from './nsfw-filter';

/** A picture of one pixel, whose red says how likely it is neutral, in hundredths. */
const picture = (neutral: number): Image => ({
  width: 1,
  height: 1,
  data: Uint8Array.of(neutral, 0, 0),
});

const dispose = jest.fn();
const classifier: NsfwClassifier = {
  version: 'fake:1',
  classify: (images) =>
    Promise.resolve(
      images.map(({ data }) => ({
        neutral: data[0]! / 100,
        drawing: 0.1,
        porn: 0.9 - data[0]! / 100,
        sexy: 0,
        hentai: 0,
      })),
    ),
  dispose,
};

it('keeps what is safe with at least the threshold, each picture at its place', async () => {
  const filter = await nsfwFilter({ threshold: 0.75, classifier });
  // More than one batch; with the drawing's tenth, 65 and more pass.
  const neutral = [90, 0, 64, 66, 10, 80, 30, 70, 20, 90, 5];
  const kept = await filter(neutral.map(picture));
  expect(kept).toEqual(neutral.map((value) => value >= 65));
});

it('keeps nothing that is no picture', async () => {
  const filter = await nsfwFilter({ classifier });
  const broken = { width: 2, height: 2, data: new Uint8Array(3) };
  const notFinite = { width: 1, height: 1, data: Float32Array.of(Number.NaN, 0, 0) };
  await expect(filter([picture(90), broken, notFinite, picture(80)])).resolves.toEqual([
    true,
    false,
    false,
    true,
  ]);
});

it('has nothing to say about nothing', async () => {
  await expect((await nsfwFilter({ classifier }))([])).resolves.toEqual([]);
});

it('leaves a classifier that it was given to its owner', async () => {
  (await nsfwFilter({ classifier })).dispose();
  expect(dispose).not.toHaveBeenCalled();
});
