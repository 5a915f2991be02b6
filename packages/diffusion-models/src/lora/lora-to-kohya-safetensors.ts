import { float32Tensor, writeSafetensors } from '@loop-diffusion/safetensors';
import type { SafetensorsTensor } from '@loop-diffusion/safetensors';
import * as tf from '@tensorflow/tfjs-core';
import type { LoraAdapter } from '../types';
import { weightsToSafetensors } from '../weights';
import { adaptedPaths, downKey, upKey } from './adapter-paths';
import { kohyaName } from './kohya-names';
import { moduleScale } from './module-scale';

/**
 * The adapter in the layout of kohya's scripts, which ComfyUI and the web UIs read too: `lora_unet_<name>.lora_down.weight`,
 * `.lora_up.weight` and `.alpha` `[]`, float32, named after diffusers' modules. Nothing else says alpha, so no loader
 * can miss it.
 *
 * All modules get the same alpha, and one of a smaller rank an `up` that is smaller for it: diffusers 0.35 loses the alphas of
 * attention layers that are not the most frequent one.
 */
export function loraToKohyaSafetensors(adapter: LoraAdapter): Uint8Array {
  const alpha = float32Tensor(Float32Array.of(adapter.config.alpha), []);
  const tensors = adaptedPaths(adapter).flatMap((path) => {
    const name = `lora_unet_${kohyaName(path)}`;
    const down = adapter.weights[downKey(path)] as tf.Tensor;
    const up = adapter.weights[upKey(path)] as tf.Tensor;
    const share = moduleScale(adapter, path).rank / adapter.config.rank;
    const scaled = share === 1 ? up : tf.mul(up, share);
    const factors = { [`${name}.lora_down.weight`]: down, [`${name}.lora_up.weight`]: scaled };
    const stored = weightsToSafetensors(factors);
    if (scaled !== up) scaled.dispose();
    const ofAlpha: [string, SafetensorsTensor] = [`${name}.alpha`, alpha];
    return [ofAlpha, ...stored];
  });
  return writeSafetensors(
    tensors.sort(([a], [b]) => (a < b ? -1 : 1)),
    { format: 'pt' },
  );
}
