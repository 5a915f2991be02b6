import type { SafetensorsTensor } from '@loop-diffusion/safetensors';
import { float32Tensor, readSafetensors, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { seededRandom } from '../testing/tensors';
import type { Weights } from '../types';
import { createLoraAdapter } from './create-lora-adapter';
import { loraFromSafetensors } from './lora-from-safetensors';
import { loraToSafetensors } from './lora-to-safetensors';
import { mergeLora, mergeLoras } from './merge-lora';

const BLOCK = 'mid_block.attentions.0.transformer_blocks.0';
let weights: Weights;
beforeAll(() => {
  weights = {
    'conv_in.weight': tf.zeros([3, 3, 4, 8]),
    [`${BLOCK}.norm1.weight`]: tf.ones([8]),
    [`${BLOCK}.attn2.to_q.weight`]: tf.ones([8, 8]),
    [`${BLOCK}.attn2.to_k.weight`]: tf.ones([8, 6]),
    [`${BLOCK}.attn2.to_out.0.weight`]: tf.ones([8, 8]),
    [`${BLOCK}.attn2.to_out.0.bias`]: tf.ones([8]),
  };
});

describe('createLoraAdapter', () => {
  const create = (targets: string[], rank = 2, alpha = 2) =>
    createLoraAdapter(weights, { rank, alpha, targets }, seededRandom(1));

  it('makes variables for every match, which change nothing at first', () => {
    const adapter = create(['to_q', 'attn2.to_k']);
    expect(Object.entries(adapter.weights).map(([key, { shape }]) => [key, shape])).toEqual([
      [`${BLOCK}.attn2.to_k.lora.down.weight`, [2, 6]],
      [`${BLOCK}.attn2.to_k.lora.up.weight`, [8, 2]],
      [`${BLOCK}.attn2.to_q.lora.down.weight`, [2, 8]],
      [`${BLOCK}.attn2.to_q.lora.up.weight`, [8, 2]],
    ]);
    for (const variable of Object.values(adapter.weights)) {
      expect(variable).toBeInstanceOf(tf.Variable);
    }
    const merged = mergeLora(weights, adapter)[`${BLOCK}.attn2.to_q.weight`]!;
    expect(merged.dataSync().every((value) => value === 1)).toBe(true);
  });

  it('has a down of the same size as a convolution, and an up of 1×1', () => {
    const adapter = create(['conv_in'], 2, 3);
    expect(Object.entries(adapter.weights).map(([key, { shape }]) => [key, shape])).toEqual([
      ['conv_in.lora.down.weight', [3, 3, 4, 2]],
      ['conv_in.lora.up.weight', [1, 1, 2, 8]],
    ]);
  });

  it('draws down with the standard deviation 1 / rank', () => {
    const wide = { 'attn1.to_q.weight': tf.zeros([4, 1000]) };
    const { weights: drawn } = createLoraAdapter(
      wide,
      { rank: 8, alpha: 1, targets: ['to_q'] },
      seededRandom(2),
    );
    const { mean, variance } = tf.moments(drawn['attn1.to_q.lora.down.weight']!);
    // 8000 draws: the estimates' own spreads are 0.0014 and 1 %.
    expect(Math.abs(mean.dataSync()[0]!)).toBeLessThan(0.006);
    expect(Math.sqrt(variance.dataSync()[0]!) * 8).toBeCloseTo(1, 1);
  });

  it('does not depend on the order of weights or targets, and leaves no other tensors', () => {
    const before = tf.memory().numTensors;
    const first = create(['to_q', 'to_k']);
    expect(tf.memory().numTensors - before).toBe(4);
    const reversed = Object.fromEntries(Object.entries(weights).reverse());
    const second = createLoraAdapter(
      reversed,
      { rank: 2, alpha: 2, targets: ['to_k', 'to_q', 'to_q'] },
      seededRandom(1),
    );
    for (const [key, variable] of Object.entries(first.weights)) {
      expect(second.weights[key]!.dataSync()).toEqual(variable.dataSync());
    }
    tf.dispose([first.weights, second.weights]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what makes no adapter', () => {
    expect(() => create(['to_v'])).toThrow(/"to_v" matches no module/);
    expect(() => create([])).toThrow(/at least one target/);
    expect(() => create(['o_q'])).toThrow(/"o_q" matches no module/);
    expect(() => create(['to_q', 'norm1'])).toThrow(/neither a linear layer nor .* shape \[8\]/);
    expect(() => create(['to_q'], 0)).toThrow(/rank must be .* it is 0/);
    expect(() => create(['to_q'], 1.5)).toThrow(/rank must be/);
    expect(() => create(['to_q'], 1, 0)).toThrow(/alpha must be .* it is 0/);
  });
});

describe('loraFromSafetensors', () => {
  const filled = (shape: number[], value = 1): SafetensorsTensor =>
    float32Tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape);
  const file = (tensors: Record<string, SafetensorsTensor>, metadata?: Record<string, string>) =>
    writeSafetensors(Object.entries(tensors), metadata);
  const q = `unet.${BLOCK}.attn2.to_q`;
  const good = {
    [`${q}.lora.down.weight`]: filled([2, 8]),
    [`${q}.lora.up.weight`]: filled([8, 2]),
  };
  const onlyDown = { [`${q}.lora.down.weight`]: filled([2, 8]) };
  const metadata = (settings: Record<string, unknown>) => ({
    lora_adapter_metadata: JSON.stringify(settings),
  });

  it('puts differing ranks and alphas into up', () => {
    const kohya = `lora_unet_${BLOCK.replaceAll('.', '_')}_attn2`;
    const adapter = loraFromSafetensors(
      file({
        [`${kohya}_to_q.lora_down.weight`]: filled([2, 8]),
        [`${kohya}_to_q.lora_up.weight`]: filled([8, 2]),
        [`${kohya}_to_q.alpha`]: filled([], 4),
        [`${kohya}_to_out_0.lora_down.weight`]: filled([1, 8]),
        [`${kohya}_to_out_0.lora_up.weight`]: filled([8, 1]),
        [`${kohya}_to_out_0.alpha`]: filled([], 5),
      }),
      weights,
    );
    expect(adapter.config).toEqual({ rank: 2, alpha: 4, targets: ['to_out.0', 'to_q'] });
    const merged = mergeLora(weights, adapter);
    // 1 + (4 / 2) · 2 and 1 + (5 / 1) · 1
    expect(merged[`${BLOCK}.attn2.to_q.weight`]!.dataSync()[0]).toBe(5);
    expect(merged[`${BLOCK}.attn2.to_out.0.weight`]!.dataSync()[0]).toBe(6);
  });

  it('takes the alphas of patterns', () => {
    const adapter = loraFromSafetensors(
      file(
        {
          ...good,
          [`unet.${BLOCK}.attn2.to_out.0.lora.down.weight`]: filled([2, 8]),
          [`unet.${BLOCK}.attn2.to_out.0.lora.up.weight`]: filled([8, 2]),
        },
        metadata({ 'unet.lora_alpha': 4, 'unet.alpha_pattern': { to_q: 1 } }),
      ),
      weights,
    );
    expect(adapter.config).toEqual({ rank: 2, alpha: 4, targets: ['to_out.0', 'to_q'] });
    const merged = mergeLora(weights, adapter);
    // 1 + (1 / 2) · 2 and 1 + (4 / 2) · 2
    expect(merged[`${BLOCK}.attn2.to_q.weight`]!.dataSync()[0]).toBe(2);
    expect(merged[`${BLOCK}.attn2.to_out.0.weight`]!.dataSync()[0]).toBe(5);
  });

  it('takes a projection as linear layer or as 1×1 convolution', () => {
    const adapter = loraFromSafetensors(
      file({
        [`${q}.lora.down.weight`]: filled([2, 8, 1, 1]),
        [`${q}.lora.up.weight`]: filled([8, 2, 1, 1]),
        'unet.proj_in.lora.down.weight': filled([2, 8]),
        'unet.proj_in.lora.up.weight': filled([6, 2]),
      }),
      { ...weights, 'proj_in.weight': { shape: [1, 1, 8, 6] } },
    );
    expect(Object.values(adapter.weights).map(({ shape }) => shape)).toEqual([
      [2, 8],
      [8, 2],
      [1, 1, 8, 2],
      [1, 1, 2, 6],
    ]);
  });

  it('reads float16 factors', () => {
    const { tensors } = readSafetensors(file(good));
    const halves = [...tensors].map(([key, tensor]): [string, SafetensorsTensor] => [
      key,
      {
        dtype: 'F16',
        shape: tensor.shape,
        bytes: new Uint8Array(new Uint16Array(16).fill(0x3c00).buffer),
      },
    ]);
    const adapter = loraFromSafetensors(writeSafetensors(halves), weights);
    expect(Object.values(adapter.weights).every((t) => t.dtype === 'float32')).toBe(true);
    expect(loraToSafetensors(adapter).length).toBeGreaterThan(0);
  });

  const peftLayout = {
    [`base_model.model.${BLOCK}.attn2.to_q.lora_A.weight`]: filled([2, 8]),
    [`base_model.model.${BLOCK}.attn2.to_q.lora_B.weight`]: filled([8, 2]),
  };
  const halfInfinite = {
    ...filled([2, 8]),
    dtype: 'F16' as const,
    bytes: new Uint8Array(new Uint16Array(16).fill(0xfc00).buffer),
  };

  describe("with peft's adapter_config.json", () => {
    const q = `${BLOCK}.attn2.to_q.weight`;
    /** As peft 0.21.2 saves it, but for `changes`. */
    const peftConfig = (changes: Record<string, unknown>) => ({
      ...{ alora_invocation_tokens: null, alpha_pattern: {}, arrow_config: null, bias: 'none' },
      ...{ auto_mapping: { parent_library: 'diffusers' }, fan_in_fan_out: false, r: 2 },
      ...{ inference_mode: true, init_lora_weights: 'gaussian', loftq_config: {}, lora_alpha: 2 },
      ...{ megatron_core: 'megatron.core', peft_type: 'LORA', peft_version: '0.21.2' },
      ...{ qalora_group_size: 16, rank_pattern: {}, target_modules: ['to_q'], use_dora: false },
      ...{ use_rslora: false, task_type: null, trainable_token_indices: null },
      ...changes,
    });
    const read = (changes: Record<string, unknown>, tensors = peftLayout, meta = {}) =>
      loraFromSafetensors(file(tensors, meta), weights, { adapterConfig: peftConfig(changes) });

    it.each<[Record<string, unknown>, number]>([
      [{}, 2],
      [{ lora_alpha: 6 }, 6],
      [{ lora_alpha: 6, alpha_pattern: { 'attn2.to_q': 3 } }, 3],
      // alpha / √rank is alpha √rank / rank.
      [{ use_rslora: true }, 2 * Math.SQRT2],
      [{ use_rslora: true, alpha_pattern: { to_q: 1 } }, Math.SQRT2],
    ])('%j means alpha %d', (changes, alpha) => {
      const adapter = read(changes);
      expect(adapter.config).toEqual({ rank: 2, alpha, targets: ['to_q'] });
      // 1 + (alpha / 2) · 2
      expect(mergeLora(weights, adapter)[q]!.dataSync()[0]).toBeCloseTo(1 + alpha, 6);
    });

    it('lets what the file says itself go before', () => {
      const { config } = read({ lora_alpha: 6 }, peftLayout, metadata({ lora_alpha: 4 }));
      expect(config.alpha).toBe(4);
    });

    it.each<[unknown, RegExp]>([
      [{ use_dora: true }, /adapter_config\.json sets use_dora, which is not supported/],
      [{ fan_in_fan_out: true }, /sets fan_in_fan_out/],
      [{ lora_bias: true }, /sets lora_bias/],
      [{ use_qalora: true }, /sets use_qalora/],
      [{ peft_type: 'LOHA' }, /adapter of type "LOHA", expected "LORA"/],
      [{ bias: 'all' }, /trains biases too \(bias = "all"\)/],
      [{ init_lora_weights: 'pissa' }, /init_lora_weights = "pissa", by which the model's own/],
      [{ modules_to_save: ['conv_in'] }, /sets modules_to_save, which is not known here/],
      [{ layer_replication: [[0, 4]] }, /sets layer_replication/],
      [{ a_later_setting: 1 }, /sets a_later_setting/],
      [{ lora_alpha: 0 }, /gives lora_alpha = 0, expected a positive number/],
      [{ lora_alpha: undefined }, /adapter_config\.json gives no lora_alpha/],
      [{ alpha_pattern: { to_q: 'x' } }, /alpha_pattern of "to_q" = "x"/],
    ])('refuses %j', (changes, message) => {
      expect(() => read(changes as Record<string, unknown>)).toThrow(message);
    });

    it('is wanted for other layouts when alpha must be known, and not where it is', () => {
      const required = { alphaRequired: true };
      expect(() => loraFromSafetensors(file(good), weights, required)).toThrow(/not known/);
      const withAlpha = file(good, metadata({ lora_alpha: 3 }));
      expect(loraFromSafetensors(withAlpha, weights, required).config.alpha).toBe(3);
      const unused = { adapterConfig: { use_dora: true } };
      expect(loraFromSafetensors(withAlpha, weights, unused).config.alpha).toBe(3);
    });

    it('refuses what is no object', () => {
      expect(() => loraFromSafetensors(file(peftLayout), weights, { adapterConfig: [] })).toThrow(
        /must hold a JSON object/,
      );
    });
  });

  it("reads the UNet's part alone when it is told to", () => {
    const kohya = `lora_unet_${BLOCK.replaceAll('.', '_')}_attn2_to_q`;
    const unetPart = {
      [`${kohya}.lora_down.weight`]: filled([2, 8]),
      [`${kohya}.lora_up.weight`]: filled([8, 2]),
      [`${kohya}.alpha`]: filled([], 1),
    };
    const textPart = {
      'lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight': filled([2, 8]),
      'lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha': filled([], 1),
      'text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight': filled([2, 8]),
      'bundle_emb.style.string_to_param.*': filled([1, 8]),
    };
    const whole = file({ ...unetPart, ...textPart });
    const read = (bytes: Uint8Array) =>
      loraFromSafetensors(bytes, weights, { ignoreTextEncoder: true });
    expect(read(whole).config).toEqual(loraFromSafetensors(file(unetPart), weights).config);
    expect(Object.keys(read(whole).weights)).toHaveLength(2);
    expect(() => loraFromSafetensors(whole, weights)).toThrow(/can be read alone/);
    expect(() => read(file(textPart))).toThrow(/changes the text encoder alone/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no tensors', file({}), /holds no tensors/],
    [
      'a module that the model lacks',
      file({ 'unet.x.to_q.lora.down.weight': filled([2, 8]) }),
      /another model: it changes "x\.to_q", which this model does not have/,
    ],
    [
      'a kohya module that the model lacks',
      file({ 'lora_unet_x_to_q.lora_down.weight': filled([2, 8]) }),
      /it changes "x_to_q"/,
    ],
    [
      'factors of a norm',
      file({ [`unet.${BLOCK}.norm1.lora.down.weight`]: filled([2, 8]) }),
      /norm1", which is neither a linear layer nor a convolution/,
    ],
    [
      'a convolution of another size',
      file({
        'unet.conv_in.lora.down.weight': filled([2, 4, 1, 1]),
        'unet.conv_in.lora.up.weight': filled([8, 2, 1, 1]),
      }),
      /shape \[8, 4, 3, 3\] it has down \[2, 4, 1, 1\] .* expected \[rank, 4, 3, 3\] and \[8, rank, 1, 1\]/,
    ],
    ['one factor alone', file(onlyDown), /lacks the up part/],
    [
      'another width',
      file({ ...good, [`${q}.lora.down.weight`]: filled([2, 16]) }),
      /shape \[8, 8\] it has down \[2, 16\] and up \[8, 2\], expected \[rank, 8\] and \[8, rank\]/,
    ],
    [
      'two ranks in one module',
      file({ ...good, [`${q}.lora.up.weight`]: filled([8, 3]) }),
      /up \[8, 3\]/,
    ],
    [
      'a rank of 0',
      file({ [`${q}.lora.down.weight`]: filled([0, 8]), [`${q}.lora.up.weight`]: filled([8, 0]) }),
      /down \[0, 8\]/,
    ],
    [
      'the same factor in two layouts',
      file({ ...good, [`${q}.lora_A.weight`]: filled([2, 8]) }),
      /down part of .* twice/,
    ],
    [
      'a text encoder',
      file({ 'text_encoder.a.lora.down.weight': filled([2, 8]) }),
      /adapts the text encoder too/,
    ],
    ['DoRA', file({ ...good, [`${q}.lora_magnitude_vector`]: filled([8]) }), /DoRA/],
    ['LoHa', file({ 'lora_unet_x.hada_w1_a': filled([8]) }), /LyCORIS/],
    ['a whole model', file({ 'conv_in.weight': filled([1]) }), /belongs to no known LoRA layout/],
    [
      'an alpha of 0',
      file({
        ...good,
        [`lora_unet_${BLOCK.replaceAll('.', '_')}_attn2_to_q.alpha`]: filled([], 0),
      }),
      /alpha of .* must be one positive number/,
    ],
    ['metadata that are no JSON', file(good, { lora_adapter_metadata: '{' }), /not valid JSON/],
    [
      'an alpha in the metadata that is no number',
      file(good, metadata({ 'unet.lora_alpha': '8' })),
      /lora_alpha = "8"/,
    ],
    [
      'DoRA by its settings',
      file(good, metadata({ 'unet.use_dora': true })),
      /lora_adapter_metadata sets use_dora, which is not supported/,
    ],
    [
      "peft's layout alone",
      file(peftLayout),
      /alpha is not known: peft keeps it in adapter_config/,
    ],
    [
      'NaN',
      file({ ...good, [`${q}.lora.up.weight`]: filled([8, 2], NaN) }),
      /^The adapter holds NaN in ".*attn2\.to_q\.lora\.up\.weight", and so would every image/,
    ],
    [
      'infinity, in float16',
      file({ ...good, [`${q}.lora.down.weight`]: halfInfinite }),
      /^The adapter holds -Infinity in ".*to_q\.lora\.down\.weight"/,
    ],
    [
      'a pattern of alphas that is no number',
      file(good, metadata({ 'unet.alpha_pattern': { to_q: '1' } })),
      /alpha_pattern of "to_q" = "1", expected a positive number/,
    ],
    [
      'patterns of alphas that are a list',
      file(good, metadata({ alpha_pattern: ['to_q'] })),
      /alpha_pattern that is no JSON object/,
    ],
    [
      'a pattern that cannot be matched',
      file(good, metadata({ 'unet.alpha_pattern': { '(to_q': 1 } })),
      /alpha_pattern that cannot be read: "\(to_q" is not a pattern/,
    ],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => loraFromSafetensors(bytes, weights)).toThrow(message);
  });
});

describe('mergeLoras', () => {
  const adapter = (targets: string[], value: number) => {
    const made = createLoraAdapter(weights, { rank: 2, alpha: 4, targets }, seededRandom(1));
    const filled = ([key, { shape }]: [string, tf.Tensor]) => [key, tf.fill(shape, value)] as const;
    return { ...made, weights: Object.fromEntries(Object.entries(made.weights).map(filled)) };
  };

  it('adds adapters with their weights and frees what is between', () => {
    const [first, second] = [adapter(['to_q', 'conv_in'], 1), adapter(['to_q'], 2)];
    const before = tf.memory().numTensors;
    const merged = mergeLoras(weights, [
      { adapter: first, weight: 0.5 },
      { adapter: second, weight: -1 },
    ]);
    expect(tf.memory().numTensors - before).toBe(2);
    // Two products of factors, times alpha / rank = 2: 1 + 0.5 · 4 − 16 and 0 + 0.5 · 4
    expect(merged[`${BLOCK}.attn2.to_q.weight`]!.dataSync()[0]).toBe(-13);
    expect(merged['conv_in.weight']!.dataSync()[0]).toBe(2);
    expect(merged['conv_in.weight']!.shape).toEqual([3, 3, 4, 8]);
  });

  it('refuses an adapter of another model, and a weight that is none, before any work', () => {
    const good = adapter(['to_q'], 1);
    const before = tf.memory().numTensors;
    expect(() => mergeLora({}, good)).toThrow(
      /changes .*attn2\.to_q", which this model does not have/,
    );
    const path = `${BLOCK}.attn2.to_q`;
    const wide = { [`${path}.weight`]: weights[`${BLOCK}.attn2.to_k.weight`]! };
    expect(() => mergeLora(wide, good)).toThrow(/has down \[2, 8\] .* expected \[2, 6\] and/);
    expect(() => mergeLora(weights, good, Number.NaN)).toThrow(/weight must be .* it is NaN/);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('makes no weights that are not finite', () => {
    const good = adapter(['to_q', 'conv_in'], 1);
    const before = tf.memory().numTensors;
    expect(() => mergeLoras(weights, [{ adapter: good, weight: 1e38 }])).toThrow(
      /^With adapters at the weights 1e\+38 the model's ".*" is no longer finite\. Take less of them\.$/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});
