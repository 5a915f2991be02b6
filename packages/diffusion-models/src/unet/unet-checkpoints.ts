/** Blocks of a UNet that keep little for the gradient and run again for it. */
import * as tf from '@tensorflow/tfjs-core';
import { checkpointed } from '../layers/checkpointed';
import type { ModelParameters, Weights } from '../types';
import type { UNetText } from './unet-text';

export type AttentionBlock = (
  parameters: ModelParameters,
  x: tf.Tensor4D,
  text: tf.Tensor3D | UNetText,
) => tf.Tensor4D;

const NONE = /$^/;

/**
 * Runs a block and keeps for the gradient its inputs, and what is trained of it: its part of the adapter, or of the weights where
 * there is no adapter.
 */
export function checkpointedBlock(
  { weights, lora }: ModelParameters,
  path: string,
  inputs: readonly tf.Tensor[],
  block: (parameters: ModelParameters, ...inputs: tf.Tensor[]) => tf.Tensor4D,
  /** Keys of weights that the block does without. */
  unused = NONE,
): tf.Tensor4D {
  const trained = Object.entries(lora?.weights ?? weights).filter(
    ([key]) => key.startsWith(`${path}.`) && !unused.test(key),
  );
  return checkpointed([...inputs, ...trained.map(([, weight]) => weight)], (...given) => {
    const own = Object.fromEntries(
      trained.map(([key], index) => [key, given[inputs.length + index]]),
    ) as Weights;
    const parameters =
      lora === undefined
        ? { weights: { ...weights, ...own } }
        : { weights, lora: { ...lora, weights: own } };
    return block(parameters, ...given.slice(0, inputs.length));
  }) as tf.Tensor4D;
}

/** What keys and values of the text are made with, beforehand where they are at hand. */
const TEXT_PROJECTION = /\.attn2\.to_[kv]\./;

/** The same of a transformer: the text is one of its inputs. */
export function checkpointedAttention(
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor4D,
  text: tf.Tensor3D | UNetText,
  block: AttentionBlock,
): tf.Tensor4D {
  if (text instanceof tf.Tensor) {
    return checkpointedBlock(parameters, path, [x, text], (own, at, given) =>
      block(own, at as tf.Tensor4D, given as tf.Tensor3D),
    );
  }
  const texts = Object.entries(text).filter(([key]) => key.startsWith(`${path}.`));
  const inputs = [x, ...texts.map(([, tensor]) => tensor)];
  return checkpointedBlock(
    parameters,
    path,
    inputs,
    (own, at, ...given) => {
      const named = texts.map(([key], index) => [key, given[index] as tf.Tensor3D]);
      return block(own, at as tf.Tensor4D, Object.fromEntries(named) as UNetText);
    },
    TEXT_PROJECTION,
  );
}
