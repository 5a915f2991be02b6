import type { Image, NsfwClassifier } from '@loop-diffusion/rewards';

import { UserError } from '../user-error';
import { createPictureScreen } from './picture-screen';

/** Of one colour, whose red is how likely it is safe for work. */
function picture(safe: number, width = 2, height = 1): Image {
  return { width, height, data: new Float32Array(width * height * 3).fill(safe) };
}

const dispose = jest.fn();
const classifier: NsfwClassifier = {
  version: 'fake:1',
  classify: (images) =>
    Promise.resolve(
      images.map(({ data }) => ({
        ...{ neutral: data[0]!, drawing: 0, porn: 1 - data[0]!, sexy: 0, hentai: 0 },
      })),
    ),
  dispose,
};
const open = () => Promise.resolve(classifier);

it('shows what is safe enough as it is, and an even grey picture of its size for what is not', async () => {
  const screen = await createPictureScreen(0.5, open);
  const images = [picture(0.75), picture(0.25, 3, 2), picture(0.5), picture(0, 1, 4)];
  const { shown, withheld } = await screen.show(images);
  expect(withheld).toBe(2);
  expect(shown[0]).toBe(images[0]);
  expect(shown[1]).toEqual({ width: 3, height: 2, data: new Uint8Array(18).fill(128) });
  expect(shown[2]).toBe(images[2]);
  expect(shown[3]).toEqual({ width: 1, height: 4, data: new Uint8Array(12).fill(128) });
  // The caller's own are as they were.
  expect(images[1]).toEqual(picture(0.25, 3, 2));
  await expect(screen.show([])).resolves.toEqual({ shown: [], withheld: 0 });
});

it('frees its classifier', async () => {
  dispose.mockClear();
  const screen = await createPictureScreen(0.5, open);
  expect(dispose).not.toHaveBeenCalled();
  screen.dispose();
  expect(dispose).toHaveBeenCalledTimes(1);
});

it('does nothing without a threshold', async () => {
  const never = jest.fn(open);
  const screen = await createPictureScreen(null, never);
  const images = [picture(0)];
  await expect(screen.show(images)).resolves.toEqual({ shown: images, withheld: 0 });
  screen.dispose();
  expect(never).not.toHaveBeenCalled();
});

it('tells the user what is missing', async () => {
  const missing = () =>
    Promise.reject(new Error('Reward "safety" needs nsfwjs: npm install nsfwjs'));
  const failed = createPictureScreen(0.5, missing);
  await expect(failed).rejects.toThrow(UserError);
  await expect(failed).rejects.toThrow('npm install nsfwjs');
});
