/** An installation without optional dependencies has neither resvg's binary nor sharp's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { captureOutput } from '../testing/captured-output';
import { svgToPng } from '../tracking/svg-to-png';
import { checkPictures } from './doctor-pictures';
import { runCommandLine } from './run-command-line';

jest.mock('@resvg/resvg-js', () => {
  throw new Error("Cannot find module '@resvg/resvg-js-linux-x64-gnu'");
});
jest.mock('sharp', () => {
  throw new Error('Could not load the "sharp" module');
});

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

test.each([
  ['--version'],
  ['--help'],
  ['train', '--help'],
  ['compare', '--help'],
  ['doctor', '--help'],
  ['init', 'FILE'],
])('%s %s works', async (...argv) => {
  const output = captureOutput();
  const words = argv.map((word) => (word === 'FILE' ? join(base, 'my-run.yaml') : word));
  expect(await runCommandLine(words, { output })).toBe(0);
  expect(output.errorText()).toBe('');
});

test('doctor names what is missing', async () => {
  const { resvg, sharp } = await checkPictures();
  expect(resvg).toContain('npm install --include=optional @resvg/resvg-js');
  expect(sharp).toContain('npm install --include=optional sharp');
});

test('a drawing says in a sentence what it needs', async () => {
  await expect(svgToPng('<svg/>', { scale: 1 })).rejects.toThrow('cannot be drawn without resvg');
});
