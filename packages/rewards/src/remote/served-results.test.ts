/** What is no ordinary score keeps its meaning behind a server. */
import { defineReward } from '../define-reward';
import { numberedImage } from '../protocol/testing/example-images';
import { isNotApplicable, type Reward, type RewardResult } from '../reward';
import { scoreAll } from '../score-all';
import { serveRewards, type RewardServer } from '../serve/serve-rewards';
import { remoteReward } from './remote-reward';

let server: RewardServer | undefined;
afterEach(async () => server?.close({ graceMs: 0 }));

async function serve(reward: Reward): Promise<{ remote: Reward; url: string }> {
  server = await serveRewards({ rewards: [reward], port: 0 });
  return { remote: await remoteReward({ url: server.url }), url: server.url };
}

test('a reward that does not apply says so through a server, which counts no failure', async () => {
  const quotes = defineReward({ name: 'quotes', version: '1' }, ({ prompts }) =>
    prompts.map((prompt) => (prompt.includes('"') ? 1 : null)),
  );
  const { remote, url } = await serve(quotes);
  const images = [numberedImage(0), numberedImage(1)];
  const results = await scoreAll(remote, { images, prompts: ['a sign "STOP"', 'a sign'] });
  expect(results[0]).toEqual({ ok: true, value: 1 });
  expect(results.map(isNotApplicable)).toEqual([false, true]);
  expect(results[1]).toMatchObject({ message: 'Reward "quotes" does not apply to this image.' });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('loop_rewards_not_applicable_total{reward="quotes"} 1');
  expect(metrics).not.toContain('loop_rewards_failures_total{');
});

test('groups stay apart through a server, though their prompts are equal', async () => {
  const sizes: number[] = [];
  const crowd: Reward = {
    name: 'crowd',
    version: '1',
    range: [0, 1],
    batchSize: 8,
    scope: 'group',
    async score({ images }) {
      sizes.push(images.length);
      return images.map((): RewardResult => ({ ok: true, value: 1 / images.length }));
    },
  };
  const { remote } = await serve(crowd);
  const images = [0, 1, 2].map(numberedImage);
  const prompts = images.map(() => 'a cat');
  const results = await scoreAll(remote, { images, prompts, groups: [0, 1, 0] });
  expect(results.map((result) => result.ok && result.value)).toEqual([1 / 2, 1, 1 / 2]);
  expect(sizes.sort()).toEqual([1, 2]);
});
