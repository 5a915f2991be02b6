import { scoreAll, type Image } from '@loop-diffusion/rewards';
import { remoteReward } from '@loop-diffusion/rewards/remote';
import { serveRewards } from '@loop-diffusion/rewards/serve';

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

  it('gives a picture in memory what it gives it behind a server, to the last bit', async () => {
    const random = seededRandom(3);
    const prompts = [
      'a red circle',
      'two green triangles',
      'a blue square',
      'a striped red circle',
    ];
    const images = prompts.map((prompt): Image => {
      const { data, ...size } = render(prompt, random);
      // So much noise that scores are neither 0 nor 1.
      const noisy = Float32Array.from(data, (value) => value + 0.6 * (random() - 0.5));
      return { ...size, data: noisy.map((value) => Math.min(1, Math.max(0, value))) };
    });
    const here = await scoreAll(shapesReward(), { images, prompts });
    expect(here.some((result) => result.ok && result.value > 0 && result.value < 1)).toBe(true);
    const server = await serveRewards({ rewards: [shapesReward()], port: 0 });
    try {
      const remote = await remoteReward({ url: server.url });
      expect(await scoreAll(remote, { images, prompts })).toEqual(here);
    } finally {
      await server.close();
    }
  });
});
