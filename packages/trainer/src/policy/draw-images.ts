/** Pictures for prompts, as an evaluation or a sample grid needs them: always from the same noise. */
import { counterNormal, planDenoiseSteps } from '@loop-diffusion/diffusion-mdp';
import type { Image } from '@loop-diffusion/rewards';

import { STREAMS } from '../noise-streams';
import { decodeImages } from './decode';
import type { NoiseSource } from './image-batches';
import type { LatentShape } from './latent-shape';
import type { Policy } from './policy';
import { sampleLatents } from './rollout';
import { disposeTexts } from './text-condition';

export interface SamplerSettings {
  readonly steps: number;
  readonly eta: number;
  /** Classifier-free guidance scale; up to 1 is none. */
  readonly guidance: number;
}

export interface DrawRequest {
  /** One image each. */
  readonly prompts: readonly string[];
  readonly settings: SamplerSettings;
  /** The noise of image i depends on the seed and i alone. */
  readonly seed: number;
  /** i of the first of these images, 0 unless they are a part of others. */
  readonly first?: number | undefined;
  /** Images per call of the policy. */
  readonly batch: number;
  readonly onProgress?: ((fraction: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Images, each batch decoded while the next has not begun: neither latents nor what they came from are kept.
 *
 * @throws the signal's reason when it is aborted on the way
 */
export async function drawImages(policy: Policy, request: DrawRequest): Promise<Image[]> {
  const { prompts, settings, batch, first = 0 } = request;
  // No encoder encodes nothing.
  if (prompts.length === 0) return [];
  const { schedule, texts, latentShape } = policy;
  const noise = evaluationNoise(request.seed, latentShape);
  const distinct = [...new Set(prompts)];
  const text = texts.encode(distinct);
  const empty = texts.empty();
  try {
    const images: Image[] = [];
    await sampleLatents(
      { ...policy, guidance: settings.guidance },
      {
        prompts: text,
        empty,
        promptOfImage: prompts.map((prompt) => distinct.indexOf(prompt)),
        latentShape,
        plan: planDenoiseSteps(schedule, settings),
        noise: (image, step) => noise(first + image, step),
        batch,
        onBatch: (latents) => {
          images.push(...decodeImages(policy, latents, batch));
          return Promise.resolve();
        },
        onProgress: request.onProgress,
        signal: request.signal,
      },
    );
    return images;
  } finally {
    disposeTexts(text, empty);
  }
}

/** Noise that image i gets in every evaluation of this seed, whatever the policy, the batch or the run. */
export function evaluationNoise(seed: number, shape: LatentShape): NoiseSource {
  const count = shape[0] * shape[1] * shape[2];
  return (image, step) =>
    counterNormal({ seed, prompt: image, sample: 0, step, stream: STREAMS.evaluation }, count);
}
