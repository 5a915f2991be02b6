import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import { resolveConfig } from '../configuration/resolve-config';
import { createRunFolder, type RunFolder } from '../run-folder/run-folder';
import { exampleSummary } from '../testing/example-run';
import { writeModelCard } from './write-model-card';

let base: string;
let folder: RunFolder;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  folder = createRunFolder(join(base, 'run'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const summary = exampleSummary();
const image = { width: 8, height: 8, data: new Uint8Array(8 * 8 * 3).fill(90) };

function files(): string[] {
  return readdirSync(join(folder.path, 'adapter'), { recursive: true }).map(String).sort();
}

test('the adapter comes with its card and what the card shows', async () => {
  folder.write('adapter/pytorch_lora_weights.safetensors', 'weights');
  folder.write('curves.png', 'curves');
  folder.write('samples/after.png', 'grid');
  const prompts = ['a red circle', 'two blue squares', 'c', 'd', 'e'];
  await writeModelCard(folder, {
    config: resolveConfig({}),
    summary,
    samples: { file: 'samples/after.png', images: prompts.map(() => image), prompts },
  });
  expect(files()).toEqual([
    'README.md',
    'curves.png',
    'images',
    'images/000-a-red-circle.png',
    'images/001-two-blue-squares.png',
    'images/002-c.png',
    'images/003-d.png',
    'pytorch_lora_weights.safetensors',
    'samples.png',
  ]);
  const card = readFileSync(join(folder.path, 'adapter', 'README.md'), 'utf8');
  const shown = [...card.matchAll(/\]\(([^:)]+)\)|url: "(.+)"/g)].map(
    ([, linked, url]) => linked ?? url,
  );
  expect(shown).toHaveLength(6);
  expect(files()).toEqual(expect.arrayContaining(shown));
  const picture = join(folder.path, 'adapter', 'images', '000-a-red-circle.png');
  expect(await sharp(picture).metadata()).toMatchObject({ format: 'png', width: 8 });
});

test('without pictures there is a card alone, and without an adapter nothing', async () => {
  const facts = { config: resolveConfig({}), summary, samples: undefined };
  await writeModelCard(folder, facts);
  expect(readdirSync(folder.path)).not.toContain('adapter');
  folder.write('adapter/pytorch_lora_weights.safetensors', 'weights');
  await writeModelCard(folder, facts);
  expect(files()).toEqual(['README.md', 'pytorch_lora_weights.safetensors']);
});

test('a UNet comes with its card in its own folder', async () => {
  folder.write('unet/diffusion_pytorch_model.safetensors', 'weights');
  const facts = { config: resolveConfig({ lora: null }), summary, samples: undefined };
  await writeModelCard(folder, facts);
  expect(readdirSync(join(folder.path, 'unet')).sort()).toEqual([
    'README.md',
    'diffusion_pytorch_model.safetensors',
  ]);
});

test.each([
  ['owner/name', 'base_model: "owner/name"'],
  ['../models/name', undefined],
  ['/home/user/name', undefined],
  [3, undefined],
])('a model that was downloaded as %j', async (name, line) => {
  const model = join(base, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'model_index.json'), JSON.stringify({ _name_or_path: name }));
  folder.write('adapter/pytorch_lora_weights.safetensors', 'weights');
  await writeModelCard(folder, { config: resolveConfig({ model }), summary, samples: undefined });
  const card = readFileSync(join(folder.path, 'adapter', 'README.md'), 'utf8');
  if (line === undefined) expect(card).not.toContain('base_model');
  else expect(card).toContain(line);
});

/** The paths of the card's code, which are to be seen from its folder. */
function folderOf(card: string, pattern: RegExp): string {
  return join(folder.path, 'adapter', pattern.exec(card)?.[1] ?? 'nothing');
}

test('its code finds the model from the folder that holds the card', async () => {
  folder.write('adapter/pytorch_lora_weights.safetensors', 'weights');
  const write = async (model: string) => {
    await writeModelCard(folder, { config: resolveConfig({ model }), summary, samples: undefined });
    return readFileSync(join(folder.path, 'adapter', 'README.md'), 'utf8');
  };
  const embedded = await write('shapes');
  const python = folderOf(embedded, /DiffusionPipeline\.from_pretrained\("(.+?)"/);
  expect(existsSync(join(python, 'unet', 'config.json'))).toBe(true);
  expect(embedded).toContain('--model shapes');

  const model = join(base, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'model_index.json'), '{}');
  const local = await write(model);
  expect(folderOf(local, /from_pretrained\("(.+?)"/)).toBe(model);
  expect(folderOf(local, /sample --model (\S+)/)).toBe(model);
  expect(folderOf(local, /convert-lora --model (\S+)/)).toBe(model);

  const hub = await write('hf:owner/name@v1.5');
  expect(hub).toContain('from_pretrained("owner/name", revision="v1.5")');
  expect(hub).toContain('--model hf:owner/name@v1.5');
});

test('its commands name the published package, and write beside its pictures', async () => {
  folder.write('adapter/pytorch_lora_weights.safetensors', 'weights');
  await writeModelCard(folder, { config: resolveConfig({}), summary, samples: undefined });
  const card = readFileSync(join(folder.path, 'adapter', 'README.md'), 'utf8');
  const commands = [
    ...card.matchAll(/^npx -p @loop-diffusion\/trainer loop-diffusion (.+(?:\\\n.+)?)/gm),
  ];
  expect(commands.map(([, command]) => command?.split(' ')[0])).toEqual(['sample', 'convert-lora']);
  expect(card).not.toContain('--out images');
});
