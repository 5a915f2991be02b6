/** A denoiser for many calls with the same weights. */
import { mergeLora } from '@loop-diffusion/diffusion-models';

import type { Denoiser } from './policy';

/**
 * The same denoiser with its adapter merged into the weights, for many calls with the same weights; the bits do not change.
 * `dispose` frees what was merged.
 */
export function mergeAdapter({ unet, schedule, adapter, guidance }: Denoiser): {
  denoiser: Denoiser;
  dispose: () => void;
} {
  if (adapter === undefined) {
    return { denoiser: { unet, schedule, guidance }, dispose: () => undefined };
  }
  const { config, weights } = unet;
  const merged = mergeLora(weights, adapter);
  return {
    denoiser: { unet: { config, weights: merged }, schedule, guidance },
    dispose: () => {
      for (const [key, weight] of Object.entries(merged)) {
        if (weight !== weights[key]) weight.dispose();
      }
    },
  };
}
