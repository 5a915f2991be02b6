import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import {
  float32Tensor,
  readSafetensors,
  toFloat32Array,
  writeSafetensors,
} from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { fixtureTensors, largestDifference } from '../testing/tensors';
import { encodeText } from '../text-encoder/text-encoder';
import type { FileReader } from '../types';
import { loadStableDiffusion } from './load-stable-diffusion';
import { stableDiffusionFiles } from './stable-diffusion-files';

const folder = join(__dirname, '../../fixtures/pipeline');
function filesOf(root: string): Map<string, Uint8Array> {
  return new Map(
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(root, path), new Uint8Array(readFileSync(path))]),
  );
}
const original = filesOf(folder);

function readerOf(files: ReadonlyMap<string, Uint8Array>): FileReader {
  return {
    name: 'the model',
    exists: (path) => Promise.resolve(files.has(path)),
    read: (path) => {
      const bytes = files.get(path);
      return bytes === undefined
        ? Promise.reject(new Error('no such file'))
        : Promise.resolve(bytes);
    },
  };
}

const encode = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const parse = (bytes: Uint8Array | undefined) =>
  JSON.parse(Buffer.from(bytes ?? []).toString()) as Record<string, unknown>;

/** The model with some files replaced, or left out where undefined. */
function changed(changes: Record<string, Uint8Array | undefined>): FileReader {
  const files = new Map<string, Uint8Array>(original);
  for (const [path, bytes] of Object.entries(changes)) {
    if (bytes === undefined) files.delete(path);
    else files.set(path, bytes);
  }
  return readerOf(files);
}

/** A JSON file of the model with some keys replaced. */
const withKeys = (path: string, keys: Record<string, unknown>) => ({
  [path]: encode({ ...parse(original.get(path)), ...keys }),
});

const UNET = 'unet/diffusion_pytorch_model.safetensors';

describe('loadStableDiffusion', () => {
  it('gives the ids and embeddings that the pipeline of diffusers computes', async () => {
    const model = await loadStableDiffusion(readerOf(original));
    const known = JSON.parse(readFileSync(join(folder, 'cases.json'), 'utf8')) as {
      prompts: string[];
      input_ids: number[][];
    };
    const expected = fixtureTensors(readFileSync(join(folder, 'io.safetensors')));
    const embed = (prompts: string[]) =>
      encodeText(
        model.textEncoder.config,
        model.textEncoder.weights,
        prompts.map((prompt) => model.tokenizer.encode(prompt)),
      ).lastHiddenState;

    expect(known.prompts.map((prompt) => model.tokenizer.encode(prompt))).toEqual(known.input_ids);
    // CLIP's float32 noise is 3.1e-6.
    expect(largestDifference(embed(known.prompts), expected('prompt_embeds'))).toBeLessThan(2e-5);
    expect(largestDifference(embed(['']), expected('negative_prompt_embeds'))).toBeLessThan(2e-5);
    expect(model.scheduler['beta_schedule']).toBe('scaled_linear');
    expect(model.notes).toEqual([]);
  });

  it("keeps Python's infinities, and writes them as Python does", async () => {
    const file = 'scheduler/scheduler_config.json';
    const text = '{"_class_name": "DDIMScheduler", "lambda_min_clipped": -Infinity}';
    const model = await loadStableDiffusion(changed({ [file]: encode(text) }));
    expect(model.scheduler['lambda_min_clipped']).toBe(-Infinity);
    const written = stableDiffusionFiles(model).get(file);
    expect(Buffer.from(written!).toString()).toContain('"lambda_min_clipped": -Infinity');
  });

  it('frees everything', async () => {
    const before = tf.memory().numTensors;
    const model = await loadStableDiffusion(readerOf(original));
    expect(tf.memory().numTensors).toBeGreaterThan(before + 100);
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says what it leaves out', async () => {
    const { notes } = await loadStableDiffusion(
      changed(
        withKeys('model_index.json', {
          safety_checker: ['stable_diffusion', 'StableDiffusionSafetyChecker'],
          feature_extractor: ['transformers', 'CLIPImageProcessor'],
        }),
      ),
    );
    expect(notes).toEqual(['the safety checker of this model is not run']);
  });

  it('takes tokenizers as transformers 5 saves them, in one file', async () => {
    const tokenizer = (name: string) => `tokenizer/${name}`;
    const { added_tokens_decoder: added, ...config } = parse(
      original.get(tokenizer('tokenizer_config.json')),
    );
    const style = { id: 1014, content: '<My-Style>', normalized: true, special: false };
    const whole = {
      model: {
        type: 'BPE',
        end_of_word_suffix: '</w>',
        vocab: parse(original.get(tokenizer('vocab.json'))),
        merges: Buffer.from(original.get(tokenizer('merges.txt'))!)
          .toString()
          .trim()
          .split('\n')
          .slice(1)
          .map((line) => line.split(' ')),
      },
      normalizer: { normalizers: [{ type: 'NFC' }, { type: 'Replace' }, { type: 'Lowercase' }] },
      added_tokens: [
        ...Object.entries(added as Record<string, object>).map(([id, token]) => ({
          id: Number(id),
          ...token,
        })),
        style,
      ],
    };
    const files = {
      ...Object.fromEntries(
        ['vocab.json', 'merges.txt', 'special_tokens_map.json'].map((name) => [
          tokenizer(name),
          undefined,
        ]),
      ),
      [tokenizer('tokenizer.json')]: encode(whole),
      [tokenizer('tokenizer_config.json')]: encode(config),
    };
    const [known, model] = await Promise.all([
      loadStableDiffusion(readerOf(original)),
      loadStableDiffusion(changed(files)),
    ]);
    const prompt = "A red circle,  isn't it? 42";
    expect(model.tokenizer.encode(prompt)).toEqual(known.tokenizer.encode(prompt));
    // As CLIPTokenizer of transformers 5.24 has it: the token in the cleaned text.
    for (const text of ['a <My-Style> in', 'A <my-style> in']) {
      expect(model.tokenizer.encode(text).slice(0, 5)).toEqual([1012, 320, 1014, 555, 1013]);
    }
    // Written in several files, which transformers 4 reads too, and the same again.
    const written = stableDiffusionFiles(model);
    expect(parse(written.get('model_index.json'))['tokenizer']).toEqual([
      'transformers',
      'CLIPTokenizerFast',
    ]);
    const again = await loadStableDiffusion(readerOf(written));
    expect(again.tokenizerFiles.vocab).toEqual(known.tokenizerFiles.vocab);
    for (const text of ['a <My-Style> in', 'ΣΑΣ 红色']) {
      expect(again.tokenizer.encode(text)).toEqual(model.tokenizer.encode(text));
    }
    await expect(
      loadStableDiffusion(
        changed({
          ...files,
          [tokenizer('tokenizer.json')]: encode({ model: { type: 'Unigram' } }),
        }),
      ),
    ).rejects.toThrow(/tokenizer\.json of the model: .*is not that of a CLIP tokenizer/);
  });

  it('takes the tokens of added_tokens.json, and writes them', async () => {
    const config = parse(original.get('tokenizer/tokenizer_config.json'));
    delete config['added_tokens_decoder'];
    const model = await loadStableDiffusion(
      changed({
        'tokenizer/tokenizer_config.json': encode(config),
        'tokenizer/added_tokens.json': encode({ '<my-style>': 1014 }),
      }),
    );
    const again = await loadStableDiffusion(readerOf(stableDiffusionFiles(model)));
    for (const { tokenizer } of [model, again]) {
      // transformers 4.57.6
      expect(tokenizer.encode('a <my-style> in').slice(0, 5)).toEqual([1012, 320, 1014, 555, 1013]);
    }
  });

  it.each(['EulerAncestralDiscreteScheduler', 'UniPCMultistepScheduler'])(
    'takes a model that names %s, for it says what noise was trained on',
    async (scheduler) => {
      const model = await loadStableDiffusion(
        changed({
          ...withKeys('model_index.json', { scheduler: ['diffusers', scheduler] }),
          ...withKeys('scheduler/scheduler_config.json', { _class_name: scheduler }),
        }),
      );
      const written = parse(stableDiffusionFiles(model).get('model_index.json'));
      expect(written['scheduler']).toEqual(['diffusers', scheduler]);
    },
  );

  it('takes float16 weights, also under the name of a variant', async () => {
    const model = await loadStableDiffusion(readerOf(original));
    const halves = stableDiffusionFiles(model, { dtype: 'F16' });
    const half = halves.get(UNET)!;
    expect(half.length).toBeLessThan(0.6 * original.get(UNET)!.length);
    const again = await loadStableDiffusion(
      changed({ [UNET]: undefined, [UNET.replace('.saf', '.fp16.saf')]: half }),
    );
    const asked: string[] = [];
    const widened = await loadStableDiffusion(readerOf(halves), {
      widen: (bytes, dtype, shape) => {
        asked.push(dtype);
        // As a backend of its own would; some it cannot.
        if (shape.length === 1) return undefined;
        return tf.tensor(toFloat32Array({ bytes, dtype, shape }), [...shape], 'float32');
      },
    });
    expect(new Set(asked)).toEqual(new Set(['F16']));
    for (const [key, weight] of Object.entries(again.unet.weights)) {
      expect(largestDifference(weight, widened.unet.weights[key]!)).toBe(0);
      expect(weight.dtype).toBe('float32');
      // 11 bits; the weights are of the order of 1.
      expect(largestDifference(weight, model.unet.weights[key]!)).toBeLessThan(1e-3);
    }
  });

  const refused: [what: string, changes: Record<string, Uint8Array | undefined>, RegExp][] = [
    [
      'a folder without an index',
      { 'model_index.json': undefined },
      /^model_index\.json of the model is missing; .*Fetch the model again/,
    ],
    [
      'an index that is cut off',
      { 'model_index.json': original.get('model_index.json')!.subarray(0, 50) },
      /model_index\.json of the model is not valid JSON .* cut off/,
    ],
    ['an index that is a list', { 'model_index.json': encode([]) }, /must hold a JSON object/],
    [
      'another pipeline',
      withKeys('model_index.json', { _class_name: 'StableDiffusion3Pipeline' }),
      /that of a "StableDiffusion3Pipeline"; supported: "StableDiffusionPipeline", "StableDiffusionXL/,
    ],
    [
      'a pipeline called as what every object has',
      withKeys('model_index.json', { _class_name: 'toString' }),
      /that of a "toString"; supported/,
    ],
    [
      'XL without its second text encoder',
      withKeys('model_index.json', { _class_name: 'StableDiffusionXLPipeline' }),
      /text_encoder_2 = undefined is not supported; supported: transformers CLIPTextModelWithProj/,
    ],
    [
      "XL's refiner",
      withKeys('model_index.json', { requires_aesthetics_score: true }),
      /that of a refiner/,
    ],
    [
      'a class of the folder itself',
      withKeys('model_index.json', { unet: ['my_code', 'UNet2DConditionModel'] }),
      /unet = \["my_code","UNet2DConditionModel"\] is not supported; supported: diffusers UNet2D/,
    ],
    [
      'another class',
      withKeys('model_index.json', { text_encoder: ['transformers', 'T5EncoderModel'] }),
      /T5EncoderModel"\] is not supported/,
    ],
    [
      'a scheduler that says something else',
      withKeys('model_index.json', { scheduler: ['diffusers', 'LCMScheduler'] }),
      /LCMScheduler"\] is not supported; .* Save the model with DDIMScheduler\.from_config/,
    ],
    [
      'a missing part',
      withKeys('model_index.json', { vae: [null, null] }),
      /vae = \[null,null\] is not supported/,
    ],
    [
      'a part that is not known',
      withKeys('model_index.json', { controlnet: ['diffusers', 'ControlNetModel'] }),
      /the part "controlnet" is not supported/,
    ],
    [
      'a malformed part',
      withKeys('model_index.json', { unet: 'UNet2DConditionModel' }),
      /unet must be \[library, class\]/,
    ],
    [
      'a missing configuration',
      { 'vae/config.json': undefined },
      /^vae\/config\.json of the model is missing/,
    ],
    [
      'a huge configuration',
      { 'unet/config.json': new Uint8Array(10_000_001) },
      /unet\/config\.json of the model has 10000001 bytes/,
    ],
    [
      'a configuration that is not UTF-8',
      { 'unet/config.json': new Uint8Array([0xff]) },
      /is not UTF-8 text/,
    ],
    [
      'an option that is not supported',
      withKeys('unet/config.json', { act_fn: 'mish' }),
      /unet\/config\.json of the model: .*act_fn = "mish" is not supported/,
    ],
    [
      'an infinite option',
      { 'vae/config.json': encode('{"scaling_factor": Infinity}') },
      /vae\/config\.json of the model: .*scaling_factor must be a number, not Infinity/,
    ],
    [
      'a scheduler that is a list',
      { 'scheduler/scheduler_config.json': encode([]) },
      /scheduler_config\.json of the model: expected a JSON object/,
    ],
    [
      'a missing vocabulary',
      { 'tokenizer/vocab.json': undefined },
      /tokenizer\/vocab\.json of the model is missing/,
    ],
    [
      'a malformed vocabulary',
      { 'tokenizer/vocab.json': encode({ a: 'b' }) },
      /tokenizer of the model: vocab\.json must give whole numbers/,
    ],
    [
      'parts of different widths',
      withKeys('unet/config.json', { cross_attention_dim: 32 }),
      /attends to 32 channels of text, the text encoder gives 24/,
    ],
    [
      'parts of different latents',
      withKeys('vae/config.json', { latent_channels: 8 }),
      /takes 4 and gives 4 channels, latents have 8/,
    ],
    [
      'a tokenizer that is too long',
      withKeys('tokenizer/tokenizer_config.json', { model_max_length: 78 }),
      /gives 78 tokens, the text encoder takes 77/,
    ],
    [
      'missing weights',
      { [UNET]: undefined },
      /^unet\/diffusion_pytorch_model\.safetensors of the model is missing; .* Fetch/,
    ],
    [
      'pickled weights',
      { [UNET]: undefined, 'unet/diffusion_pytorch_model.bin': new Uint8Array(1) },
      /only diffusion_pytorch_model\.bin\. .* never read\. Convert the model in Python/,
    ],
    [
      'a pickled text encoder',
      {
        'text_encoder/model.safetensors': undefined,
        'text_encoder/pytorch_model.bin': new Uint8Array(1),
      },
      /only pytorch_model\.bin/,
    ],
    ...(
      [
        [
          'diffusion_pytorch_model.non_ema.safetensors',
          'rename the file to diffusion_pytorch_model',
        ],
        ['model.safetensors', 'rename the file to diffusion_pytorch_model.safetensors'],
        ['diffusion_pytorch_model.fp16.safetensors.index.json', 'Rename it.'],
        ['diffusion_pytorch_model-00001-of-00003.safetensors', 'Fetch the index too.'],
      ] as const
    ).map(([name, remedy]): [string, Record<string, Uint8Array | undefined>, RegExp] => [
      `no weights but ${name}`,
      { [UNET]: undefined, [`unet/${name}`]: new Uint8Array(1) },
      new RegExp(`is missing.* there is only ${name}\\. .*${remedy}`),
    ]),
    [
      'an index of weights without its map',
      { [UNET]: undefined, [`${UNET}.index.json`]: encode({}) },
      /has no weight_map; it is damaged/,
    ],
    [
      'truncated weights',
      { [UNET]: original.get(UNET)!.subarray(0, 100_000) },
      /^unet\/.*safetensors of the model: .*truncated\. Fetch it again/,
    ],
    [
      'weights of another shape',
      withKeys('unet/config.json', { block_out_channels: [8, 24] }),
      /weights of unet\/.* do not fit its config: .* has shape \[.*\], expected \[.*\].*and \d+ more/,
    ],
    ['no weights at all', { [UNET]: writeSafetensors([]) }, /is missing; .*and \d+ more/],
    [
      'weights too many',
      {
        [UNET]: writeSafetensors([
          ...readSafetensors(original.get(UNET)!).tensors,
          ['extra', float32Tensor(new Float32Array(1), [1])],
        ]),
      },
      /"extra" is unknown/,
    ],
  ];
  it.each(refused)('refuses %s and keeps no tensors', async (_what, changes, message) => {
    const before = tf.memory().numTensors;
    await expect(loadStableDiffusion(changed(changes))).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('looks at the size of a small file before it is read', async () => {
    const asked: string[] = [];
    const reader: FileReader = {
      ...readerOf(original),
      open: (path) =>
        Promise.resolve({
          size: path === 'unet/config.json' ? 5e9 : original.get(path)!.length,
          read: (begin: number, end: number) => {
            asked.push(path);
            return Promise.resolve(original.get(path)!.subarray(begin, end));
          },
          close: () => Promise.resolve(),
        }),
    };
    await expect(loadStableDiffusion(reader)).rejects.toThrow(
      /^unet\/config\.json of the model has 5000000000 bytes; at most 10000000 are read/,
    );
    expect(asked).toEqual(['model_index.json']);
  });

  it('names the file that cannot be read', async () => {
    const reader: FileReader = {
      ...readerOf(original),
      read: () => Promise.reject(new Error('EACCES: permission denied')),
    };
    await expect(loadStableDiffusion(reader)).rejects.toThrow(
      /^model_index\.json of the model cannot be read: EACCES/,
    );
  });
});

describe('weights in several files', () => {
  const xl = join(__dirname, '../../fixtures/pipeline-xl');
  const parts = filesOf(xl);
  const INDEX = `${UNET}.index.json`;
  const index = parse(parts.get(INDEX)) as { weight_map: Record<string, string> };
  const withIndex = (changes: Record<string, string>) =>
    readerOf(
      new Map(parts).set(INDEX, encode({ weight_map: { ...index.weight_map, ...changes } })),
    );

  it('are those of one file, read in parts', async () => {
    const opened = new Set<string>();
    const progress: [number, number][] = [];
    const reader: FileReader = {
      ...readerOf(parts),
      open: (path) => {
        opened.add(path);
        const bytes = parts.get(path)!;
        return Promise.resolve({
          size: bytes.length,
          read: (begin: number, end: number) => Promise.resolve(bytes.slice(begin, end)),
          close: () => {
            opened.delete(path);
            return Promise.resolve();
          },
        });
      },
    };
    const model = await loadStableDiffusion(reader, {
      onProgress: (...bytes) => progress.push(bytes),
    });
    expect(opened.size).toBe(0);
    const [done, total] = progress.at(-1)!;
    // All but the headers.
    expect(done).toBeGreaterThan(0.7 * total);
    expect(progress.every(([now], i) => i === 0 || now >= progress[i - 1]![0])).toBe(true);
    expect(Object.keys(model.unet.weights).sort()).toEqual(Object.keys(index.weight_map).sort());

    // The folder written is that of one file, and the same model.
    const again = await loadStableDiffusion(readerOf(stableDiffusionFiles(model)));
    expect(again.textEncoder2?.config).toEqual(model.textEncoder2?.config);
    expect(again.zeroEmptyPrompt).toBe(true);
    for (const [key, weight] of Object.entries(model.unet.weights)) {
      expect(largestDifference(weight, again.unet.weights[key]!)).toBe(0);
    }
    const before = tf.memory().numTensors;
    const [encoders] = [model.textEncoder.weights, model.textEncoder2!.weights].map(
      (weights) => Object.keys(weights).length,
    );
    model.releaseTextEncoders();
    expect(before - tf.memory().numTensors).toBeGreaterThan(encoders!);
  });

  const [key, shard] = Object.entries(index.weight_map)[0]!;
  const other = Object.values(index.weight_map).find((name) => name !== shard)!;
  it.each<[string, FileReader, RegExp]>([
    [
      'leads out of the folder',
      withIndex({ [key]: '../x.safetensors' }),
      /no name of a safetensors/,
    ],
    ['names an absolute path', withIndex({ [key]: '/x.safetensors' }), /no name of a safetensors/],
    ['names another kind of file', withIndex({ [key]: 'x.bin' }), /no name of a safetensors/],
    [
      'names a file that is not there',
      withIndex({ [key]: 'x.safetensors' }),
      /x\.safetensors of the/,
    ],
    ['puts a tensor elsewhere', withIndex({ [key]: other }), /does not put there/],
    ['names a tensor that is nowhere', withIndex({ extra: shard }), /"extra", which is in none of/],
    [
      'is of a shard that is cut off',
      readerOf(
        new Map(parts).set(`unet/${shard}`, parts.get(`unet/${shard}`)!.subarray(0, 50_000)),
      ),
      /truncated/,
    ],
  ])('are refused when the index %s', async (_what, reader, message) => {
    const before = tf.memory().numTensors;
    await expect(loadStableDiffusion(reader)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('stableDiffusionFiles', () => {
  it('gives the folder back', async () => {
    const model = await loadStableDiffusion(readerOf(original));
    const files = stableDiffusionFiles(model);
    const ours = [...original.keys()].filter(
      (path) => /\//.test(path) || path === 'model_index.json',
    );
    expect([...files.keys()].sort()).toEqual(ours.sort());
    for (const [path, bytes] of files) {
      const before = original.get(path)!;
      if (path.endsWith('.safetensors')) {
        // Bit for bit, header included: the original comes from Python's writer.
        expect({ path, same: Buffer.compare(bytes, before) }).toEqual({ path, same: 0 });
      } else if (path.endsWith('.json')) {
        // Keys of no effect are not kept.
        expect(parse(before)).toMatchObject(
          path === 'text_encoder/config.json'
            ? { ...parse(bytes), projection_dim: 512 }
            : parse(bytes),
        );
      }
    }
    const again = await loadStableDiffusion(readerOf(files));
    expect(again.unet.config).toEqual(model.unet.config);
    expect(again.vae.config).toEqual(model.vae.config);
    expect(again.textEncoder.config).toEqual(model.textEncoder.config);
    expect(again.scheduler).toEqual(model.scheduler);
  });

  it('refuses a scheduler that no loader takes', async () => {
    const model = await loadStableDiffusion(readerOf(original));
    const scheduler = { _class_name: 'LCMScheduler' };
    expect(() => stableDiffusionFiles({ ...model, scheduler })).toThrow(
      /"LCMScheduler" is not supported/,
    );
  });
});
