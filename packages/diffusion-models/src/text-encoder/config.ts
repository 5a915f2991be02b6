import { configReader } from '../config-reader';

/** What this library supports of `transformers.CLIPTextModel`, with a projection or without: all that Stable Diffusion 1, 2 and XL use. */
export interface TextEncoderConfig {
  readonly vocabularySize: number;
  /** Width of a token's embedding and of every hidden state. */
  readonly hiddenSize: number;
  /** Width inside the feed-forward networks. */
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Tokens at most. */
  readonly maxPositions: number;
  /** `quick_gelu` in OpenAI's CLIP (Stable Diffusion 1), exact `gelu` in OpenCLIP (Stable Diffusion 2). */
  readonly activation: 'quick_gelu' | 'gelu';
  readonly normEpsilon: number;
  /** Width of the projected pooled embedding (`CLIPTextModelWithProjection`); a plain `CLIPTextModel` has none. */
  readonly projectionSize: number | undefined;
  readonly startTokenId: number;
  /** Where the pooled embedding is taken; 2, a wrong value in old files, means the largest id. */
  readonly endTokenId: number;
  /** Of no effect here: the tokenizer pads. */
  readonly paddingTokenId: number;
}

const PLAIN = 'CLIPTextModel';
const PROJECTING = 'CLIPTextModelWithProjection';

/** The class of `transformers` that a text encoder is of. */
export function textEncoderClass({ projectionSize }: TextEncoderConfig): string {
  return projectionSize === undefined ? PLAIN : PROJECTING;
}

/**
 * Reads a diffusers `text_encoder/config.json`. Missing keys mean transformers' defaults; keys that transformers adds to every
 * configuration are of no effect.
 * @throws Error that names the key and value that are not supported
 */
export function parseTextEncoderConfig(json: unknown): TextEncoderConfig {
  const read = configReader('CLIPTextModel', json);
  read.only('model_type', ['clip_text_model']);
  read.only('quantization_config', [null]);
  const architectures = read.raw('architectures') ?? [PLAIN];
  const architecture = [PLAIN, PROJECTING].find(
    (known) => Array.isArray(architectures) && architectures.includes(known),
  );
  if (architecture === undefined) {
    read.refuse(
      `architectures = ${JSON.stringify(architectures)} is not supported; supported: ["${PLAIN}"] or ["${PROJECTING}"]`,
    );
  }
  const id = (key: string, byDefault: number): number => {
    const value = read.number(key, byDefault);
    return Number.isSafeInteger(value) && value >= 0
      ? value
      : read.refuse(`${key} must be a token's id, not ${value}`);
  };
  const activation = read.raw('hidden_act') ?? 'quick_gelu';
  if (activation !== 'quick_gelu' && activation !== 'gelu') {
    return read.refuse(
      `hidden_act = ${JSON.stringify(activation)} is not supported; supported: "quick_gelu" or "gelu"`,
    );
  }
  const config: TextEncoderConfig = {
    vocabularySize: read.count('vocab_size', 49408),
    hiddenSize: read.count('hidden_size', 512),
    intermediateSize: read.count('intermediate_size', 2048),
    layers: read.count('num_hidden_layers', 12),
    heads: read.count('num_attention_heads', 8),
    maxPositions: read.count('max_position_embeddings', 77),
    activation,
    normEpsilon: read.number('layer_norm_eps', 1e-5),
    projectionSize: architecture === PROJECTING ? read.count('projection_dim', 512) : undefined,
    startTokenId: id('bos_token_id', 49406),
    endTokenId: id('eos_token_id', 49407),
    paddingTokenId: id('pad_token_id', 1),
  };
  if (config.hiddenSize % config.heads !== 0) {
    read.refuse(
      `hidden_size = ${config.hiddenSize} does not divide into num_attention_heads = ${config.heads}`,
    );
  }
  return config;
}

/** The `text_encoder/config.json` that transformers reads back as this model. */
export function formatTextEncoderConfig(config: TextEncoderConfig): Record<string, unknown> {
  return {
    architectures: [textEncoderClass(config)],
    bos_token_id: config.startTokenId,
    eos_token_id: config.endTokenId,
    hidden_act: config.activation,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    layer_norm_eps: config.normEpsilon,
    max_position_embeddings: config.maxPositions,
    model_type: 'clip_text_model',
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    pad_token_id: config.paddingTokenId,
    projection_dim: config.projectionSize ?? config.hiddenSize,
    vocab_size: config.vocabularySize,
  };
}
