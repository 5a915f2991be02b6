/** Kernels for whole layers, where the backend brings them (`@loop-diffusion/native-tensorflow` does, on a processor). */
import * as tf from '@tensorflow/tfjs-core';

/** Names under which TensorFlow.js has them. */
export type LayerKernel =
  | 'LoopLinear'
  | 'LoopGatedLinear'
  | 'LoopLinearWeightGradient'
  | 'LoopConvolution'
  | 'LoopConvolutionInputGradient'
  | 'LoopConvolutionKernelGradient'
  | 'LoopAttention'
  | 'LoopAttentionGradient'
  | 'LoopGroupNorm'
  | 'LoopGroupNormGradient'
  | 'LoopLayerNorm'
  | 'LoopLayerNormGradient'
  | 'LoopGate'
  | 'LoopGateGradient'
  | 'LoopWiden';

/** Whether the active backend has it. */
export function hasKernel(name: LayerKernel): boolean {
  return (tf.getKernel(name, tf.getBackend()) as unknown) != null;
}

/** @param inputs those that are undefined are left out */
export function runKernel(
  name: LayerKernel,
  inputs: Readonly<Record<string, tf.Tensor | undefined>>,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor[] {
  const given = Object.entries(inputs).filter(([, tensor]) => tensor !== undefined);
  const results = tf
    .engine()
    .runKernel<tf.Tensor | tf.Tensor[]>(
      name,
      Object.fromEntries(given) as tf.NamedTensorMap,
      attributes,
    );
  return Array.isArray(results) ? results : [results];
}
