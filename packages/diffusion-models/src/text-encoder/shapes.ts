import type { WeightShapes } from '../shapes';
import { shapeCollector } from '../shapes';
import type { TextEncoderConfig } from './config';

/** Paths of the modules of `transformers.CLIPTextModel`. */
export const TOKEN_EMBEDDING = 'text_model.embeddings.token_embedding';
export const POSITION_EMBEDDING = 'text_model.embeddings.position_embedding';
export const FINAL_NORM = 'text_model.final_layer_norm';
export const PROJECTION = 'text_projection';
export const layerPath = (layer: number): string => `text_model.encoder.layers.${layer}`;

/** The shape of each of the text encoder's weights. */
export function textEncoderShapes(config: TextEncoderConfig): WeightShapes {
  const { hiddenSize, intermediateSize } = config;
  const collect = shapeCollector();
  collect.linear(TOKEN_EMBEDDING, hiddenSize, config.vocabularySize, { bias: false });
  collect.linear(POSITION_EMBEDDING, hiddenSize, config.maxPositions, { bias: false });
  for (let layer = 0; layer < config.layers; layer++) {
    const path = layerPath(layer);
    collect.norm(`${path}.layer_norm1`, hiddenSize);
    for (const projection of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      collect.linear(`${path}.self_attn.${projection}`, hiddenSize, hiddenSize);
    }
    collect.norm(`${path}.layer_norm2`, hiddenSize);
    collect.linear(`${path}.mlp.fc1`, hiddenSize, intermediateSize);
    collect.linear(`${path}.mlp.fc2`, intermediateSize, hiddenSize);
  }
  collect.norm(FINAL_NORM, hiddenSize);
  if (config.projectionSize !== undefined) {
    collect.linear(PROJECTION, hiddenSize, config.projectionSize, { bias: false });
  }
  return collect.shapes;
}
