import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { imageFileName } from './image-file-name';
import { nextFreeFolder } from './next-free-folder';

test.each([
  [0, 'A red circle', '000-a-red-circle.png'],
  [12, '../../etc/passwd', '012-etc-passwd.png'],
  [1234, '円', '1234.png'],
  [3, 'x'.repeat(200), `003-${'x'.repeat(60)}.png`],
])('imageFileName(%i, %j)', (index, prompt, name) => {
  expect(imageFileName(index, prompt)).toBe(name);
});

test('nextFreeFolder counts up', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  const run = join(folder, 'run');
  expect(nextFreeFolder(run)).toBe(run);
  mkdirSync(run);
  expect(nextFreeFolder(run)).toBe(`${run}-2`);
  mkdirSync(`${run}-2`);
  expect(nextFreeFolder(run)).toBe(`${run}-3`);
  rmSync(folder, { recursive: true });
});
