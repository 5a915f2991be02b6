import { scoreAll } from '@loop-diffusion/rewards';

import { flatImage, render, seededRandom } from '../testing/images';
import { shapesReward } from './shapes-reward';

describe('shapesReward', () => {
  it('scores images beside their prompts', async () => {
    const image = render('a red circle', seededRandom(1));
    const results = await scoreAll(shapesReward(), {
      images: [image, image, flatImage(0, 0, 0)],
      prompts: ['a red circle', 'a blue circle', 'a red circle'],
    });
    expect(results.map((result) => result.ok && result.value)).toEqual([
      1,
      expect.closeTo(0.15, 9),
      0,
    ]);
  });

  it('fails only the image that it cannot score', async () => {
    const image = render('a red circle', seededRandom(1));
    const small = { width: 1, height: 1, data: new Uint8Array(3) };
    const results = await shapesReward().score({
      images: [image, image, small],
      prompts: ['a red circle', 'a cat on a mat', 'a red circle'],
    });
    expect(results).toMatchObject([
      { ok: true, value: 1 },
      { ok: false, kind: 'invalid-prompt', retryable: false },
      { ok: false, kind: 'invalid-image', retryable: false },
    ]);
  });
});
