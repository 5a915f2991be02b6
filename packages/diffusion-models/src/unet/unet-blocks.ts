/** The blocks of a UNet, one per level on the way down and up, for its arithmetic and for its weights. */
import type { UNetConfig } from './config';
import type { TransformerSize } from './transformer';

export interface Block {
  readonly path: string;
  readonly outputs: number;
  /** `undefined` where the block has no attention. */
  readonly size: TransformerSize | undefined;
  readonly isLast: boolean;
}

export function downBlocks(config: UNetConfig): Block[] {
  return config.downBlockTypes.map((type, level) => ({
    path: `down_blocks.${level}`,
    outputs: config.blockOutChannels[level] as number,
    size: type === 'CrossAttnDownBlock2D' ? transformerSize(config, level) : undefined,
    isLast: level === config.downBlockTypes.length - 1,
  }));
}

/** Up blocks count from the bottom, unlike the levels. */
export function upBlocks(config: UNetConfig): Block[] {
  const last = config.upBlockTypes.length - 1;
  return config.upBlockTypes.map((type, index) => ({
    path: `up_blocks.${index}`,
    outputs: config.blockOutChannels[last - index] as number,
    size: type === 'CrossAttnUpBlock2D' ? transformerSize(config, last - index) : undefined,
    isLast: index === last,
  }));
}

export function transformerSize(config: UNetConfig, level: number): TransformerSize {
  return {
    heads: config.attentionHeads[level] as number,
    layers: config.transformerLayers[level] as number,
  };
}
