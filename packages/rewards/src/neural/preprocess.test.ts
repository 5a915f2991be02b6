import { openModelFiles } from './model-files';
import { fitImage, preprocess, type Preprocessing, readPreprocessing } from './preprocess';
import { fixture, golden, readImage, withModel } from './testing/golden';

const CLIP = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  standardDeviation: [0.26862954, 0.26130258, 0.27577711],
} as const;
const IMAGENET = { mean: [0.485, 0.456, 0.406], standardDeviation: [0.229, 0.224, 0.225] } as const;

/** As tools/reward-models/tiny.py prepared the pictures with Pillow and transformers. */
const KINDS: Readonly<Record<string, Preprocessing>> = {
  clip: {
    width: 224,
    height: 224,
    fit: { kind: 'crop', edge: 224, centre: 'transformers' },
    ...CLIP,
  },
  blip: { width: 120, height: 120, fit: { kind: 'stretch' }, ...CLIP },
  dino: {
    width: 45,
    height: 45,
    fit: { kind: 'crop', edge: 50, centre: 'transformers' },
    ...IMAGENET,
  },
  torchvision: {
    width: 45,
    height: 45,
    fit: { kind: 'crop', edge: 45, centre: 'torchvision' },
    ...CLIP,
  },
  longest: { width: 45, height: 45, fit: { kind: 'pad' }, ...CLIP },
};

const cases = golden.images.flatMap((image) =>
  Object.keys(KINDS)
    .filter((kind) => kind !== 'clip' || ['small', 'large'].includes(image))
    .map((kind) => [kind, image] as const),
);

it.each(cases)('fits as Pillow does, to the byte: %s of %s', async (kind, name) => {
  const image = await readImage('images', `${name}.png`);
  const expected = await readImage('preprocessed', `${kind}-${name}.png`);
  const got = fitImage(image, KINDS[kind]!);
  expect(Buffer.compare(got, expected.data as Uint8Array)).toBe(0);
});

it.each(Object.entries(golden.normalised))(
  'normalises as transformers does: %s',
  async (kindAndName, expected) => {
    const [kind = '', name = ''] = kindAndName.split('-');
    const image = await readImage('images', `${name}.png`);
    const { data } = preprocess([image], KINDS[kind]!);
    const got = expected.map((_, index) => data[index * 997]!);
    // Values are up to 2.7, where float32 has steps of 2.4e-7; transformers rounds after each operation.
    for (const [index, value] of got.entries()) {
      expect(Math.abs(value - expected[index]!)).toBeLessThan(1e-6);
    }
  },
);

it('puts images one after another, a plane per colour', async () => {
  const images = [
    await readImage('images', 'small.png'),
    await readImage('images', 'portrait.png'),
  ];
  const kind = KINDS['blip']!;
  const both = preprocess(images, kind);
  expect(both.dims).toEqual([2, 3, 120, 120]);
  const alone = preprocess([images[1]!], kind);
  expect(both.data.slice(3 * 120 * 120)).toEqual(alone.data);
});

it('takes a picture of the wildest shape without resizing all of it', () => {
  const image = { width: 20_000, height: 1, data: new Uint8Array(60_000).fill(100) };
  expect(fitImage(image, KINDS['clip']!).every((byte) => byte === 100)).toBe(true);
});

describe('preprocessor_config.json', () => {
  const read = async (model: string) => readPreprocessing(await openModelFiles('test', model));

  it('is read as transformers reads it', async () => {
    await expect(read(fixture('clip'))).resolves.toEqual({
      width: 32,
      height: 32,
      fit: { kind: 'crop', edge: 32, centre: 'transformers' },
      ...CLIP,
    });
    await expect(read(fixture('dino'))).resolves.toMatchObject({
      width: 42,
      height: 42,
      fit: { kind: 'crop', edge: 48 },
      ...IMAGENET,
    });
    await expect(read(fixture('blip-vqa'))).resolves.toMatchObject({
      width: 48,
      height: 48,
      fit: { kind: 'stretch' },
    });
  });

  const common = { image_mean: CLIP.mean, image_std: CLIP.standardDeviation };

  it('may have plain numbers for sizes', async () => {
    const old = JSON.stringify({ ...common, size: 40, crop_size: 32 });
    await withModel('clip', { 'preprocessor_config.json': old }, async (folder) => {
      await expect(read(folder)).resolves.toMatchObject({
        width: 32,
        height: 32,
        fit: { kind: 'crop', edge: 40 },
      });
    });
  });

  it.each([
    [{ ...common, size: 32, resample: 2 }, "is not as expected at 'resample'"],
    [{ ...common, size: 32_000 }, "is not as expected at 'size'"],
    [{ ...common, size: 32, image_std: [1, 0, 1] }, "is not as expected at 'image_std.1'"],
    [{ ...common, size: 32, do_normalize: false }, "is not as expected at 'do_normalize'"],
    [{ ...common, size: 32, crop_size: 64 }, 'expected a centre crop within'],
    [{ ...common, size: 32, do_center_crop: false }, 'expected a centre crop within'],
  ])('is refused where it asks for something else: %j', async (config, message) => {
    const text = JSON.stringify(config);
    await withModel('clip', { 'preprocessor_config.json': text }, async (folder) => {
      await expect(read(folder)).rejects.toThrow(message);
    });
  });
});
