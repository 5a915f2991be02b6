import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { fixtureImages } from '../protocol/testing/example-images';
import { encodeWireImage } from '../protocol/wire-image';
import { scoreAll } from '../score-all';
import { remoteReward } from './remote-reward';

const EXAMPLE = join(__dirname, '..', '..', 'examples', 'reward_server.py');

const python = spawnSync('python3', ['--version']).status === 0;
if (!python) {
  process.stderr.write(
    '\nSKIPPED: there is no python3 here, so the Python example was NOT tested.\n\n',
  );
}

let server: ChildProcess | undefined;
afterEach(async () => {
  if (server === undefined) return;
  const ended = once(server, 'exit');
  server.kill();
  await ended;
  server = undefined;
});

(python ? it : it.skip)('a reward in Python scores through the client', async () => {
  server = spawn('python3', [EXAMPLE, '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [url] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string];
  const reward = await remoteReward({ url });
  expect(reward).toMatchObject({
    name: 'png-bytes-per-pixel',
    batchSize: 64,
    range: [0, Infinity],
  });
  const images = (await fixtureImages()).map(({ image }) => image);
  const results = await scoreAll(reward, { images, prompts: images.map(() => 'ein Bär') });
  const lengths = await Promise.all(
    images.map(async (image) => Buffer.from(await encodeWireImage(image), 'base64').length),
  );
  expect(results).toEqual(
    images.map(({ width, height }, index) => ({
      ok: true,
      value: lengths[index]! / (width * height),
    })),
  );
});

it('is as short as it says', () => {
  const lines = readFileSync(EXAMPLE, 'utf8').split('\n');
  expect(lines.filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(30);
});
