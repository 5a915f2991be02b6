import type { LoraAdapter } from '../types';
import { downKey } from './adapter-paths';

/**
 * A module's own rank, and the alpha that gives it the adapter's scale: modules of one adapter may differ in rank, but
 * alpha / rank is one number.
 */
export function moduleScale(
  { config, weights }: LoraAdapter,
  path: string,
): { rank: number; alpha: number } {
  const shape = weights[downKey(path)]?.shape ?? [];
  const rank = (shape.length === 4 ? shape[3] : shape[0]) ?? 0;
  return { rank, alpha: rank === config.rank ? config.alpha : (config.alpha / config.rank) * rank };
}
