import * as tf from '@tensorflow/tfjs-core';
import { checkGradients } from '../check-gradients';
import { gelu, quickGelu } from '../layers/activations';
import { mergeHeads, splitHeads } from '../layers/attention';
import { layerNorm } from '../layers/layer-norm';
import { linear } from '../layers/linear';
import { parameter } from '../layers/parameter';
import type { ModelParameters, Weights } from '../types';
import type { TextEncoderConfig } from './config';
import { FINAL_NORM, layerPath, POSITION_EMBEDDING, PROJECTION, TOKEN_EMBEDDING } from './shapes';

export type EncodedText = {
  /** `[batch, tokens, hiddenSize]`, normalised: what the UNet attends to. */
  readonly lastHiddenState: tf.Tensor3D;
  /** `[batch, hiddenSize]`, the last hidden state at the end token. */
  readonly pooled: tf.Tensor2D;
  /** `[batch, projectionSize]`, the pooled state projected, of an encoder that has a projection: CLIP's text embedding. */
  readonly projected: tf.Tensor2D | undefined;
  /** `layers + 1` times `[batch, tokens, hiddenSize]`: the embeddings, then each layer's output; none is normalised. */
  readonly hiddenStates: tf.Tensor3D[];
};

/** The value of `eos_token_id` in old configurations, which is not the end token's id. */
const LEGACY_END_TOKEN_ID = 2;

/**
 * CLIP's text transformer (Radford et al. 2021): tokens see themselves and those before them; padding takes part like any other
 * token. Differentiable in every weight.
 *
 * @param inputIds `[batch][tokens]`, rows of equal length, as the tokenizer gives them
 * @throws RangeError for ids outside the vocabulary, rows of different lengths or more tokens than positions
 */
export function encodeText(
  config: TextEncoderConfig,
  weights: Weights,
  inputIds: readonly (readonly number[])[],
): EncodedText {
  checkGradients();
  const tokens = checkIds(config, inputIds);
  return tf.tidy(() => {
    const parameters: ModelParameters = { weights };
    const ids = tf.tensor2d(inputIds.flat(), [inputIds.length, tokens], 'int32');
    const mask = causalMask(tokens);

    let hidden = embed(config, weights, ids);
    const hiddenStates = [hidden];
    for (let layer = 0; layer < config.layers; layer++) {
      hidden = encoderLayer(config, parameters, layerPath(layer), hidden, mask);
      hiddenStates.push(hidden);
    }
    const lastHiddenState = layerNorm(parameters, FINAL_NORM, hidden, config.normEpsilon);
    const pooled = pool(config, lastHiddenState, inputIds);
    const projected =
      config.projectionSize === undefined
        ? undefined
        : (linear(parameters, PROJECTION, pooled) as tf.Tensor2D);
    return { lastHiddenState, pooled, projected, hiddenStates };
  });
}

/** Sum of the tokens' and their positions' embeddings, `[batch, tokens, hiddenSize]`. */
function embed(config: TextEncoderConfig, weights: Weights, ids: tf.Tensor2D): tf.Tensor3D {
  const table = parameter(weights, `${TOKEN_EMBEDDING}.weight`) as tf.Tensor2D;
  const positions = parameter(weights, `${POSITION_EMBEDDING}.weight`) as tf.Tensor2D;
  const [, tokens] = ids.shape;
  const used = tokens === config.maxPositions ? positions : tf.slice(positions, 0, tokens);
  return tf.add(tf.gather(table, ids), used);
}

function encoderLayer(
  config: TextEncoderConfig,
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor3D,
  mask: tf.Tensor2D,
): tf.Tensor3D {
  const norm = (name: string, input: tf.Tensor3D) =>
    layerNorm(parameters, `${path}.${name}`, input, config.normEpsilon);
  const attended = tf.add(
    x,
    causalAttention(config, parameters, `${path}.self_attn`, norm('layer_norm1', x), mask),
  );
  const activation = config.activation === 'gelu' ? gelu : quickGelu;
  const inner = activation(
    linear(parameters, `${path}.mlp.fc1`, norm('layer_norm2', attended as tf.Tensor3D)),
  );
  return tf.add(attended, linear(parameters, `${path}.mlp.fc2`, inner));
}

function causalAttention(
  config: TextEncoderConfig,
  parameters: ModelParameters,
  path: string,
  x: tf.Tensor3D,
  mask: tf.Tensor2D,
): tf.Tensor {
  const heads = (name: string) =>
    splitHeads(linear(parameters, `${path}.${name}`, x), config.heads);
  const scale = Math.sqrt(config.heads / config.hiddenSize);
  const scores = tf.matMul(tf.mul(heads('q_proj'), scale), heads('k_proj'), false, true);
  const probabilities = tf.softmax(tf.add(scores, mask));
  const attended = mergeHeads(tf.matMul<tf.Tensor4D>(probabilities, heads('v_proj')));
  return linear(parameters, `${path}.out_proj`, attended);
}

/** `[tokens, tokens]`: 0 where a query may look, else so far below any score that the softmax gives exactly 0. */
function causalMask(tokens: number): tf.Tensor2D {
  const mask = new Float32Array(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    mask.fill(-1e30, query * tokens + query + 1, (query + 1) * tokens);
  }
  return tf.tensor2d(mask, [tokens, tokens]);
}

function pool(
  config: TextEncoderConfig,
  lastHiddenState: tf.Tensor3D,
  inputIds: readonly (readonly number[])[],
): tf.Tensor2D {
  const [batch, tokens, width] = lastHiddenState.shape;
  const rows = inputIds.map((ids, row) => row * tokens + endPosition(config, ids));
  const flat = tf.reshape<tf.Rank.R2>(lastHiddenState, [batch * tokens, width]);
  return tf.gather(flat, tf.tensor1d(rows, 'int32'));
}

/** The first end token's place. CLIP's end token has the largest id, which is how old configurations find it. */
function endPosition(config: TextEncoderConfig, ids: readonly number[]): number {
  const end =
    config.endTokenId === LEGACY_END_TOKEN_ID
      ? ids.reduce((largest, id) => Math.max(largest, id), 0)
      : config.endTokenId;
  return Math.max(0, ids.indexOf(end));
}

/** @returns the tokens in each row */
function checkIds(config: TextEncoderConfig, inputIds: readonly (readonly number[])[]): number {
  const tokens = inputIds[0]?.length ?? 0;
  if (tokens === 0 || tokens > config.maxPositions) {
    throw new RangeError(
      `The text encoder takes rows of 1 to ${config.maxPositions} token ids, got ${inputIds.length} rows of ${tokens}.`,
    );
  }
  for (const [row, ids] of inputIds.entries()) {
    if (ids.length !== tokens) {
      throw new RangeError(
        `All rows of token ids must have one length: row ${row} has ${ids.length}, row 0 has ${tokens}.`,
      );
    }
    for (const id of ids) {
      if (!Number.isInteger(id) || id < 0 || id >= config.vocabularySize) {
        throw new RangeError(
          `Token ids must lie in 0 to ${config.vocabularySize - 1}, row ${row} has ${id}; tokenizer and text encoder do not belong together.`,
        );
      }
    }
  }
  return tokens;
}
