import { diffusersFiles } from './diffusers-files';
import { HubError } from './hub-error';
import { modelFilesForTests } from './testing/hub-server';

function filesOf(changes: Record<string, string | undefined> = {}): Promise<string[]> {
  const files = Object.entries({ ...modelFilesForTests(), ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const contents = new Map(files);
  return diffusersFiles({
    name: 'the model',
    paths: new Set(contents.keys()),
    readJson: async (path) => JSON.parse(contents.get(path) ?? '') as unknown,
  });
}

const UNET = 'unet/diffusion_pytorch_model';
const INDEX = JSON.stringify({ weight_map: { a: 'x-1.safetensors', b: 'x-2.safetensors' } });

test('small files come first, and nothing comes twice', async () => {
  const files = await filesOf();
  expect(new Set(files).size).toBe(files.length);
  expect(files.map((path) => path.endsWith('.safetensors'))).toEqual([
    ...Array<boolean>(8).fill(false),
    ...Array<boolean>(3).fill(true),
  ]);
});

test.each([
  [[`${UNET}.safetensors`, `${UNET}.safetensors.index.json`], [`${UNET}.safetensors`]],
  [
    [`${UNET}.safetensors.index.json`, `${UNET}.fp16.safetensors`],
    [`${UNET}.safetensors.index.json`, 'unet/x-1.safetensors', 'unet/x-2.safetensors'],
  ],
  [
    [`${UNET}.fp16.safetensors`, `${UNET}.safetensors.index.fp16.json`],
    [`${UNET}.fp16.safetensors`],
  ],
  [
    [`${UNET}.safetensors.index.fp16.json`],
    [`${UNET}.safetensors.index.fp16.json`, 'unet/x-1.safetensors', 'unet/x-2.safetensors'],
  ],
])('of the weights %j', async (there, taken) => {
  const files = await filesOf({
    [`${UNET}.safetensors`]: undefined,
    [`${UNET}.fp16.safetensors`]: undefined,
    'unet/x-1.safetensors': 'one',
    'unet/x-2.safetensors': 'two',
    'unet/x-3.safetensors': 'three',
    ...Object.fromEntries(there.map((path) => [path, INDEX])),
  });
  const weights = files.filter((path) => /^unet\/(?!config)/.test(path));
  expect(weights).toEqual(taken);
});

test('a tokenizer may be one file, as transformers 5 saves it', async () => {
  const parts = { 'tokenizer/vocab.json': undefined, 'tokenizer/merges.txt': undefined };
  await expect(filesOf(parts)).rejects.toThrow('has no tokenizer/vocab.json');
  const files = await filesOf({ ...parts, 'tokenizer/tokenizer.json': '{}' });
  expect(files).toContain('tokenizer/tokenizer.json');
});

test('weights of another name are not taken, but named', async () => {
  const none = { [`${UNET}.safetensors`]: undefined, [`${UNET}.fp16.safetensors`]: undefined };
  expect(await filesOf({ ...none, [`${UNET}.bf16.safetensors`]: '' })).toContain(
    `${UNET}.bf16.safetensors`,
  );
  await expect(filesOf({ ...none, [`${UNET}.ema.safetensors`]: '' })).rejects.toThrow(
    `only ${UNET}.ema.safetensors; fetch the model`,
  );
});

test('a second text encoder and tokenizer are taken where the index names them', async () => {
  const index = JSON.stringify({
    _class_name: 'StableDiffusionXLPipeline',
    text_encoder_2: ['transformers', 'CLIPTextModelWithProjection'],
    tokenizer_2: ['transformers', 'CLIPTokenizer'],
    tokenizer: [null, null],
    __proto__: null,
    constructor: ['x', 'y'],
  });
  const files = {
    'model_index.json': index,
    'text_encoder_2/config.json': '{}',
    'text_encoder_2/model.safetensors': '',
    'tokenizer_2/vocab.json': '{}',
    'tokenizer_2/merges.txt': '',
  };
  expect((await filesOf(files)).sort()).toEqual(Object.keys(files).sort());
});

test.each([
  [{ 'model_index.json': undefined }, 'the model has no model_index.json'],
  [{ 'vae/config.json': undefined }, 'the model has no vae/config.json'],
  [{ 'tokenizer/merges.txt': undefined }, 'the model has no tokenizer/merges.txt'],
  [{ 'vae/diffusion_pytorch_model.safetensors': undefined }, 'no vae/diffusion_pytorch_model.saf'],
  [
    { 'text_encoder/model.safetensors': undefined },
    'only text_encoder/pytorch_model.bin, which can run code',
  ],
  [{ 'model_index.json': '{"_class_name": "FluxPipeline"}' }, 'holds a "FluxPipeline"'],
  [{ 'model_index.json': 'null' }, 'holds a model without a class'],
  [{ 'model_index.json': '[]' }, 'holds a model without a class'],
  [
    { [`${UNET}.safetensors`]: undefined, [`${UNET}.safetensors.index.json`]: INDEX },
    'the model has no unet/x-1.safetensors',
  ],
  [
    { [`${UNET}.safetensors`]: undefined, [`${UNET}.safetensors.index.json`]: 'null' },
    'unet/diffusion_pytorch_model.safetensors.index.json of the model does not list files',
  ],
])('refuses %j', async (changes, message) => {
  await expect(filesOf(changes)).rejects.toThrow(HubError);
  await expect(filesOf(changes)).rejects.toThrow(message);
});
