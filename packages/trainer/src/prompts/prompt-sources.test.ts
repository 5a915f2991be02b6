import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { trainingPrompts } from '@loop-diffusion/shapes-benchmark';

import { readRunPrompts } from './prompt-sources';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function file(name: string, texts: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, texts.join('\n'));
  return path;
}
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `p${index}`);
const read = (training: string, evaluation: string, heldOutFraction = 0.1) =>
  readRunPrompts({ training, evaluation, heldOutFraction }, 20);
const textsOf = (prompts: readonly { text: string }[]) => [
  ...new Set(prompts.map(({ text }) => text)),
];

test('of one file a part is set aside', async () => {
  const path = file('p.txt', numbered(100));
  const found = await read(path, `${folder}/./p.txt`);
  expect(found.areHeldOut).toBe(true);
  expect(found.training).toHaveLength(90);
  expect(found.evaluation).toHaveLength(20);
  const evaluated = textsOf(found.evaluation);
  expect(evaluated).toHaveLength(10);
  expect(textsOf(found.training).filter((text) => evaluated.includes(text))).toEqual([]);
});

test('a file with few prompts is trained on and evaluated as a whole, and that is told', async () => {
  const path = file('p.txt', numbered(5));
  const found = await read(path, path);
  expect(found.areHeldOut).toBe(false);
  expect(textsOf(found.training)).toEqual(numbered(5));
  expect(textsOf(found.evaluation)).toEqual(numbered(5));
});

test('another file is held out unless it has prompts of the first', async () => {
  const path = file('p.txt', numbered(5));
  expect(await read(path, file('q.txt', ['a', 'b']))).toMatchObject({
    training: { length: 5 },
    areHeldOut: true,
  });
  expect(await read(path, file('r.txt', ['a', 'p3']))).toMatchObject({ areHeldOut: false });
});

test('the embedded prompts are held out, also from a file', async () => {
  expect(await read('shapes', 'shapes')).toMatchObject({ areHeldOut: true });
  expect(await read(file('p.txt', numbered(3)), 'shapes')).toMatchObject({ areHeldOut: true });
  const [trained] = trainingPrompts();
  const overlapping = file('q.txt', ['a', trained!.text]);
  expect(await read('shapes', overlapping)).toMatchObject({ areHeldOut: false });
});
