/** Floating-point operations of a UNet, from its weights' shapes. */
import { parseUNetConfig, unetShapes } from '@loop-diffusion/diffusion-models';

export interface UNetWork {
  /** A `unet/config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Side of the latents, a multiple of 2^(levels − 1). */
  readonly latentSize: number;
  /** Text tokens. */
  readonly tokens: number;
}

/**
 * Of a forward pass on one row: two for each weight of a convolution or linear layer at each place that it is applied to, and
 * those of attention's two products. What is done once per number (norms, activations) is left out.
 */
export function unetOperations({ config, latentSize, tokens }: UNetWork): number {
  const levels = parseUNetConfig(config).blockOutChannels.length;
  const pixelsAt = (level: number): number => (latentSize / 2 ** level) ** 2;
  let total = 0;
  for (const [key, shape] of Object.entries(unetShapes(parseUNetConfig(config)))) {
    if (shape.length < 2) continue;
    const pixels = pixelsAt(levelOf(key, levels));
    const size = shape.reduce((product, length) => product * length, 1);
    total += 2 * size * placesOf(key, pixels, tokens);
    if (key.endsWith('attn1.to_q.weight')) total += 4 * pixels * pixels * shape[0]!;
    if (key.endsWith('attn2.to_q.weight')) total += 4 * pixels * tokens * shape[0]!;
  }
  return total;
}

/**
 * Of the forward pass and an adapter's gradient: with the weights frozen, what flows back through a layer costs as much as
 * the layer. The thin matrices of the adapter are left out.
 */
export function adapterGradientOperations(work: UNetWork): number {
  return 2 * unetOperations(work);
}

/** The level of the feature map that a layer writes; 0 is the latents' own. */
function levelOf(key: string, levels: number): number {
  if (key.startsWith('mid_block')) return levels - 1;
  const down = /^down_blocks\.(\d+)\.(downsamplers)?/.exec(key);
  if (down !== null) return Number(down[1]) + (down[2] === undefined ? 0 : 1);
  const up = /^up_blocks\.(\d+)\.(upsamplers)?/.exec(key);
  if (up !== null) return levels - 1 - Number(up[1]) - (up[2] === undefined ? 0 : 1);
  return 0;
}

/** How many times a weight is applied in one row. */
function placesOf(key: string, pixels: number, tokens: number): number {
  if (/^time_embedding|time_emb_proj/.test(key)) return 1;
  return /attn2\.to_[kv]\./.test(key) ? tokens : pixels;
}
