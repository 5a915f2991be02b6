/** What a UNet is given, and whether it fits. */
import * as tf from '@tensorflow/tfjs-core';
import type { LayerObserver, LoraAdapter } from '../types';
import type { UNetConfig } from './config';
import type { Timesteps } from './time-embedding';
import type { UNetText } from './unet-text';

export interface UNetInput {
  /** Noisy latents, `[batch, height, width, inChannels]`. */
  readonly sample: tf.Tensor4D;
  readonly timesteps: Timesteps;
  /** The text encoder's output, `[batch, tokens, crossAttentionDim]`, or what {@link unetText} makes of it. */
  readonly encoderHiddenStates: tf.Tensor3D | UNetText;
  /** What Stable Diffusion XL is told besides, `[1 or batch, addedCondition.channels]` from {@link addedCondition}. */
  readonly added?: tf.Tensor2D | undefined;
  readonly lora?: LoraAdapter | undefined;
  /** Told what each layer gives; not with `gradientCheckpointing`, and of texts only where they are given as they are. */
  readonly observe?: LayerObserver | undefined;
  /**
   * Keep each layer's input alone for the gradient, and run the layer again for it: much less memory for about a third more
   * arithmetic. The gradient is then that of the sample and the adapter, or where there is none of the weights; those of an
   * adapted model count as constant.
   */
  readonly gradientCheckpointing?: boolean | undefined;
}

/** @throws RangeError that names the input whose shape does not fit the others or the model */
export function checkInput(config: UNetConfig, input: UNetInput): void {
  const { sample, timesteps, added, encoderHiddenStates: text } = input;
  const expect = (what: string, shape: readonly number[], isRight: boolean, expected: string) => {
    if (!isRight) {
      throw new RangeError(`${what} has shape [${shape.join(', ')}], expected [${expected}]`);
    }
  };
  const [batch] = sample.shape;
  expect(
    'sample',
    sample.shape,
    sample.rank === 4 && sample.shape[3] === config.inChannels,
    `batch, height, width, ${config.inChannels}`,
  );
  if (text instanceof tf.Tensor) {
    expect(
      'encoderHiddenStates',
      text.shape,
      text.rank === 3 && text.shape[0] === batch && text.shape[2] === config.crossAttentionDim,
      `${batch}, tokens, ${config.crossAttentionDim}`,
    );
  } else {
    for (const [path, { shape }] of Object.entries(text)) {
      expect(path, shape, shape[0] === batch, `${batch}, tokens, 2 · channels`);
    }
  }
  const { channels: addedChannels } = config.addedCondition ?? {};
  const [addedRows, addedWidth] = added?.shape ?? [];
  expect(
    'added',
    added?.shape ?? [],
    addedWidth === addedChannels && (added === undefined || addedRows === 1 || addedRows === batch),
    addedChannels === undefined ? '' : `1 or ${batch}, ${addedChannels}`,
  );
  if (timesteps instanceof tf.Tensor) {
    const [rows, channels] = timesteps.shape;
    const width = config.blockOutChannels[0] as number;
    const fits = (rows === 1 || rows === batch) && channels === width;
    expect('timesteps', timesteps.shape, fits, `1 or ${batch}, ${width}`);
  } else if (typeof timesteps !== 'number' && timesteps.length !== batch) {
    throw new RangeError(`${timesteps.length} timesteps for ${batch} rows of the sample`);
  }
}
