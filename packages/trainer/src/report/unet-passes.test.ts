import { unetPasses } from './unet-passes';

const work = { images: 64, denoiseSteps: 10, rows: 512, comparisons: 0, guided: false };

test('every image takes a pass a step, and every row one with its gradient', () => {
  expect(unetPasses(work)).toEqual({ forward: 640, gradient: 512 });
});

test('guidance doubles both, and another model that is asked adds a pass a row', () => {
  expect(unetPasses({ ...work, guided: true })).toEqual({ forward: 1280, gradient: 1024 });
  expect(unetPasses({ ...work, comparisons: 2 })).toEqual({ forward: 1664, gradient: 512 });
});
