import { float32Tensor, writeSafetensors } from '@loop-diffusion/safetensors';
import type { SafetensorsTensor } from '@loop-diffusion/safetensors';
import type * as tf from '@tensorflow/tfjs-core';
import type { LoraAdapter } from '../types';
import { weightsToSafetensors } from '../weights';
import { adaptedPaths, downKey, upKey } from './adapter-paths';
import { kohyaName } from './kohya-names';
import { moduleScale } from './module-scale';

/**
 * The adapter in the layout of kohya's scripts, which ComfyUI and the web UIs read too: `lora_unet_<name>.lora_down.weight`,
 * `.lora_up.weight` and `.alpha` `[]`, float32, named after diffusers' modules. Nothing else says alpha, so no loader
 * can miss it.
 */
export function loraToKohyaSafetensors(adapter: LoraAdapter): Uint8Array {
  const factors: Record<string, tf.Tensor> = {};
  const alphas: [string, SafetensorsTensor][] = [];
  for (const path of adaptedPaths(adapter)) {
    const name = `lora_unet_${kohyaName(path)}`;
    factors[`${name}.lora_down.weight`] = adapter.weights[downKey(path)] as tf.Tensor;
    factors[`${name}.lora_up.weight`] = adapter.weights[upKey(path)] as tf.Tensor;
    const { alpha } = moduleScale(adapter, path);
    alphas.push([`${name}.alpha`, float32Tensor(Float32Array.of(alpha), [])]);
  }
  const tensors = [...weightsToSafetensors(factors), ...alphas];
  return writeSafetensors(
    tensors.sort(([a], [b]) => (a < b ? -1 : 1)),
    { format: 'pt' },
  );
}
