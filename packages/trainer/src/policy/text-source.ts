/** Where the conditions of prompts come from: a model's text encoders, or what they once said. */
import {
  addedCondition,
  encodeEmptyPrompt,
  encodePrompts,
  type EncodedPrompts,
  type StableDiffusion,
} from '@loop-diffusion/diffusion-models';
import * as tf from '@tensorflow/tfjs-core';

import { UserError } from '../user-error';
import { imageSize, type LatentShape } from './latent-shape';
import { disposeTexts, type EncodedText } from './text-condition';

export interface TextSource {
  /** A row for each prompt; the caller disposes it. */
  encode(prompts: readonly string[]): EncodedText;
  /** The empty prompt of guidance, one row; the caller disposes it. */
  empty(): EncodedText;
}

/** @param latent of the images that the prompts are for: Stable Diffusion XL is told their size */
export function createTextSource(model: StableDiffusion, latent: LatentShape): TextSource {
  // An image of this size that was never another size, nor cropped.
  const { height, width } = imageSize(model, latent);
  const sizes = [height, width, 0, 0, height, width];
  const withAdded = ({ states, pooled }: EncodedPrompts) => ({
    states,
    added: pooled && addedCondition(model.unet.config, pooled, sizes),
  });
  return {
    encode: (prompts) => tf.tidy(() => withAdded(encodePrompts(model, prompts))),
    empty: () => tf.tidy(() => withAdded(encodeEmptyPrompt(model))),
  };
}

/** More of the host's memory than this would be no saving. */
const MAXIMUM_BYTES = 4 * 1024 ** 3;
const PROMPTS_AT_ONCE = 16;

/**
 * Encodes all prompts once into the host's memory and frees the text encoders, which are a tenth of Stable Diffusion 1.5's
 * weights and a quarter of XL's.
 *
 * @throws UserError when the prompts are so many that they would take more than the encoders
 */
export function rememberTexts(
  model: StableDiffusion,
  latent: LatentShape,
  prompts: Iterable<string>,
): TextSource {
  const source = createTextSource(model, latent);
  const distinct = [...new Set(prompts)];
  const width = model.tokenizer.maxLength * model.unet.config.crossAttentionDim;
  if (distinct.length * width * 4 > MAXIMUM_BYTES) {
    throw new UserError(
      `The ${distinct.length} prompts would take ${Math.ceil((distinct.length * width * 4) / 1024 ** 3)} GiB when they are encoded beforehand; set memory.textEncoders=keep`,
    );
  }
  const known = new Map<string, HostText>();
  for (let first = 0; first < distinct.length; first += PROMPTS_AT_ONCE) {
    const some = distinct.slice(first, first + PROMPTS_AT_ONCE);
    toHost(source.encode(some)).forEach((text, row) => known.set(some[row] as string, text));
  }
  const [empty] = toHost(source.empty()) as [HostText];
  model.releaseTextEncoders();
  return {
    encode: (wanted) =>
      toDevice(
        wanted.map((prompt) => {
          const text = known.get(prompt);
          if (text === undefined) {
            throw new Error(`The prompt ${JSON.stringify(prompt)} was not encoded beforehand.`);
          }
          return text;
        }),
      ),
    empty: () => toDevice([empty]),
  };
}

/** One row. */
interface HostText {
  readonly states: Row;
  readonly added: Row | undefined;
}

interface Row {
  readonly values: Float32Array;
  /** Without the first axis. */
  readonly shape: readonly number[];
}

/** @param text is disposed */
function toHost(text: EncodedText): HostText[] {
  const rowsOf = (tensor: tf.Tensor): Row[] => {
    const [count = 0, ...shape] = tensor.shape;
    const values = tensor.dataSync<'float32'>();
    const size = values.length / count;
    return Array.from({ length: count }, (_, row) => ({
      shape,
      values: values.slice(row * size, (row + 1) * size),
    }));
  };
  const added = text.added && rowsOf(text.added);
  const texts = rowsOf(text.states).map((states, row) => ({ states, added: added?.[row] }));
  disposeTexts(text);
  return texts;
}

function toDevice(texts: readonly HostText[]): EncodedText {
  const tensorOf = <R extends tf.Rank>(rows: readonly Row[]): tf.Tensor<R> => {
    const [{ values: first, shape }] = rows as [Row];
    const values = new Float32Array(rows.length * first.length);
    rows.forEach((row, index) => {
      values.set(row.values, index * first.length);
    });
    return tf.tensor<R>(values, [rows.length, ...shape] as unknown as tf.ShapeMap[R]);
  };
  const added = texts.flatMap((text) => text.added ?? []);
  return {
    states: tensorOf(texts.map(({ states }) => states)),
    added: added.length === 0 ? undefined : tensorOf(added),
  };
}
