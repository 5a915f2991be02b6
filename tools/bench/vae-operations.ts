/** Floating-point operations of an autoencoder's decoder, from its weights' shapes. */
import { autoencoderShapes, parseAutoencoderConfig } from '@loop-diffusion/diffusion-models';

export interface DecoderWork {
  /** A `vae/config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Side of the latents. */
  readonly latentSize: number;
}

/** Of decoding one image, counted as `unetOperations` counts. */
export function decoderOperations({ config, latentSize }: DecoderWork): number {
  const parsed = parseAutoencoderConfig(config);
  const levels = parsed.blockOutChannels.length;
  let total = 0;
  for (const [key, shape] of Object.entries(autoencoderShapes(parsed))) {
    if (shape.length < 2 || !/^(decoder|post_quant_conv)\./.test(key)) continue;
    const pixels = (latentSize * 2 ** enlargementsBefore(key, levels)) ** 2;
    const size = shape.reduce((product, length) => product * length, 1);
    total += 2 * size * pixels;
    // One head of all channels: queries by keys, and weights by values.
    if (key.endsWith('to_q.weight')) total += 4 * pixels * pixels * shape[0]!;
  }
  return total;
}

/** How many times the feature map that a layer writes has been doubled. */
function enlargementsBefore(key: string, levels: number): number {
  const up = /^decoder\.up_blocks\.(\d+)\.(upsamplers)?/.exec(key);
  if (up !== null) return Number(up[1]) + (up[2] === undefined ? 0 : 1);
  return key.startsWith('decoder.conv_out') ? levels - 1 : 0;
}
