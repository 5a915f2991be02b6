import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import { fixtureTensors, largestDifference, relativeDifference } from '../testing/tensors';
import type { LoraAdapter, Weights } from '../types';
import { parseUNetConfig } from '../unet/config';
import { unet } from '../unet/unet';
import { unetText } from '../unet/unet-text';
import { weightsFromSafetensors } from '../weights';
import { adaptedPaths, downKey, upKey } from './adapter-paths';
import { loraFromSafetensors } from './lora-from-safetensors';
import { loraToSafetensors } from './lora-to-safetensors';
import { mergeLora } from './merge-lora';

/** PyTorch's own float32 noise on these outputs is up to 5e-6 (active against fused). */
const OUTPUT_TOLERANCE = 2e-5;
/** Of the largest; PyTorch's noise is 4.2e-5. */
const GRADIENT_TOLERANCE = 1e-4;

const fixture = (path: string) => readFileSync(join(__dirname, '../../fixtures', path));
const layouts = [
  ['diffusers', 'diffusers/pytorch_lora_weights.safetensors'],
  ['diffusers_meta', 'diffusers_meta/pytorch_lora_weights.safetensors'],
  ['peft', 'peft/pytorch_lora_weights.safetensors'],
  ['attn_procs', 'attn_procs/pytorch_lora_weights.safetensors'],
  ['kohya', 'kohya/lora_kohya.safetensors'],
] as const;

const config = parseUNetConfig(JSON.parse(fixture('pipeline/unet/config.json').toString()));
const { timesteps } = JSON.parse(fixture('lora/cases.json').toString()) as { timesteps: number[] };
let weights: Weights;
let expected: ReturnType<typeof fixtureTensors>;
beforeAll(() => {
  weights = weightsFromSafetensors(
    readSafetensors(fixture('pipeline/unet/diffusion_pytorch_model.safetensors')),
  );
  expected = fixtureTensors(fixture('lora/io.safetensors'));
});

/** Bytes that a gradient holds without checkpoints, for the test with them. */
let withoutCheckpoint = 0;

function predict(
  lora: LoraAdapter | undefined,
  model: Weights = weights,
  checkpoint = false,
): tf.Tensor4D {
  return unet(config, model, {
    gradientCheckpointing: checkpoint,
    sample: expected('sample') as tf.Tensor4D,
    timesteps,
    encoderHiddenStates: expected('encoder_hidden_states') as tf.Tensor3D,
    lora,
  });
}

test('the model without an adapter', () => {
  expect(largestDifference(predict(undefined), expected('base.output'))).toBeLessThan(
    OUTPUT_TOLERANCE,
  );
});

describe.each(['a4', 'a8'])('adapter %s', (name) => {
  const alphaOf = (layout: string) =>
    layout === 'diffusers_meta' || layout === 'kohya' ? Number(name.slice(1)) : 4;
  const load = (layout: string) =>
    loraFromSafetensors(
      fixture(`lora/${name}/${layouts.find(([known]) => known === layout)![1]}`),
      weights,
    );

  // One layout is enough where alpha = rank: they all mean the same.
  test.each(name === 'a4' ? layouts.slice(0, 1) : layouts)(
    'from the layout %s gives what diffusers gives',
    (layout) => {
      const adapter = load(layout);
      expect(adapter.config).toEqual({
        rank: 4,
        alpha: alphaOf(layout),
        targets: ['to_k', 'to_out.0', 'to_q', 'to_v'],
      });
      expect(adaptedPaths(adapter).length).toBe(32);
      expect(
        largestDifference(predict(adapter), expected(`${name}.${layout}.loaded_output`)),
      ).toBeLessThan(OUTPUT_TOLERANCE);
    },
  );

  // peft's own scale: alpha / rank, or alpha / √rank when it is rank-stabilised.
  const alpha = Number(name.slice(1));
  test.each([{ lora_alpha: alpha }, { lora_alpha: alpha / 2, use_rslora: true }])(
    'as peft saves it, with %j in adapter_config.json',
    (adapterConfig) => {
      const path = `lora/${name}/diffusers/pytorch_lora_weights.safetensors`;
      const renamed = [...readSafetensors(fixture(path)).tensors].map(([key, tensor]) => {
        const module = key.replace('unet.', 'base_model.model.');
        return [
          module.replace('.lora.down.', '.lora_A.').replace('.lora.up.', '.lora_B.'),
          tensor,
        ] as const;
      });
      const adapter = loraFromSafetensors(writeSafetensors(renamed), weights, { adapterConfig });
      expect(largestDifference(predict(adapter), expected(`${name}.output`))).toBeLessThan(
        OUTPUT_TOLERANCE,
      );
    },
  );

  test.each([false, true])('gradients of its factors (checkpoint: %s)', (checkpoint) => {
    const adapter = load(name === 'a4' ? 'diffusers' : 'diffusers_meta');
    const known = fixtureTensors(fixture(`lora/${name}/params_and_grads.safetensors`));
    const keys = Object.keys(adapter.weights);
    const before = tf.memory().numBytes;
    let held = 0;
    const gradients = tf.grads((...factors) => {
      const active = {
        ...adapter,
        weights: Object.fromEntries(keys.map((key, i) => [key, factors[i]!])),
      };
      const output = predict(active, weights, checkpoint);
      held = tf.memory().numBytes - before;
      return tf.sum(tf.mul(output, expected('grad_output')));
    })(keys.map((key) => adapter.weights[key]!));
    // What stands between the forward and the backward pass.
    if (checkpoint) expect(held).toBeLessThan(withoutCheckpoint / 3);
    else withoutCheckpoint = held;
    for (const path of adaptedPaths(adapter)) {
      for (const [key, peftName] of [
        [downKey(path), 'lora_A'],
        [upKey(path), 'lora_B'],
      ] as const) {
        expect(
          largestDifference(adapter.weights[key]!, known(`param.${path}.${peftName}.weight`)),
        ).toBe(0);
        const off = relativeDifference(
          gradients[keys.indexOf(key)]!,
          known(`grad.${path}.${peftName}.weight`),
        );
        expect({ key, close: off < GRADIENT_TOLERANCE }).toEqual({ key, close: true });
      }
    }
  });

  if (name === 'a4') return;

  test('keys and values of the text made beforehand', () => {
    const adapter = load('diffusers_meta');
    const text = unetText(weights, expected('encoder_hidden_states') as tf.Tensor3D, adapter);
    const input = { sample: expected('sample') as tf.Tensor4D, timesteps, lora: adapter };
    const output = unet(config, weights, { ...input, encoderHiddenStates: text });
    expect(largestDifference(output, predict(adapter))).toBe(0);
    const [path, tensor] = Object.entries(text)[0]!;
    expect(() => unet(config, weights, { ...input, encoderHiddenStates: {} })).toThrow(
      'The text lacks keys and values for',
    );
    const cut = { ...text, [path]: tf.slice(tensor, 0, 1) };
    expect(() => unet(config, weights, { ...input, encoderHiddenStates: cut })).toThrow(path);
  });

  test('merged into the weights', () => {
    const adapter = load('diffusers_meta');
    const before = tf.memory().numTensors;
    const merged = mergeLora(weights, adapter);
    expect(tf.memory().numTensors - before).toBe(32);
    expect(Object.keys(merged)).toEqual(Object.keys(weights));
    expect(merged['conv_in.weight']).toBe(weights['conv_in.weight']);
    for (const module of ['to_k', 'to_out.0']) {
      const key = `mid_block.attentions.0.transformer_blocks.0.attn2.${module}.weight`;
      expect(largestDifference(merged[key]!, expected(`a8.fused_weight.${key}`))).toBeLessThan(
        1e-6,
      );
    }
    expect(
      largestDifference(predict(undefined, merged), expected(`${name}.fused_output`)),
    ).toBeLessThan(OUTPUT_TOLERANCE);
    // The adapter is added to the weights while it is active too, so the two are the same computation.
    expect(largestDifference(predict(undefined, merged), predict(adapter))).toBe(0);
  });

  test('written as diffusers writes it', () => {
    const adapter = load('diffusers_meta');
    const theirs = readSafetensors(
      fixture(`lora/${name}/diffusers_meta/pytorch_lora_weights.safetensors`),
    );
    const bytes = loraToSafetensors(adapter);
    const ours = readSafetensors(bytes);
    expect(new Map(ours.tensors)).toEqual(new Map(theirs.tensors));
    const settings = ({ metadata }: typeof ours) =>
      JSON.parse(metadata['lora_adapter_metadata']!) as Record<string, unknown>;
    expect(ours.metadata['format']).toBe('pt');
    expect(settings(theirs)).toMatchObject(settings(ours));
    const again = loraFromSafetensors(bytes, weights);
    expect(again.config).toEqual(adapter.config);
    expect(Buffer.compare(loraToSafetensors(again), bytes)).toBe(0);
  });
});
