import { z } from 'zod';

import type { ModelFiles } from './model-files';

const MAXIMUM_EMBEDDING = 16_384;

const tokenId = z.int().min(0).max(10_000_000);

const affineHead = z.object({
  weight: z.array(z.number()).min(1).max(MAXIMUM_EMBEDDING),
  bias: z.number(),
});

const rewardSettings = z.object({
  logitScale: z.number().min(-20).max(20).optional(),
  aesthetic: z.record(z.string(), affineHead).optional(),
  imageReward: z.object({ mean: z.number(), standardDeviation: z.number().positive() }).optional(),
  encoderTokenId: tokenId.optional(),
});

/** What a model's folder in the layout of transformers.js lacks for a reward: its `reward.json`. */
export interface RewardSettings {
  /** Logarithm of what CLIP multiplies cosines by, as its checkpoints have it. */
  readonly logitScale?: number | undefined;
  /** Predictors on the normalised image embedding by name: score = weight · embedding + bias. */
  readonly aesthetic?:
    | Readonly<Record<string, { readonly weight: readonly number[]; readonly bias: number }>>
    | undefined;
  /** By which ImageReward's scores are standardised. */
  readonly imageReward?: { readonly mean: number; readonly standardDeviation: number } | undefined;
  /** Which BLIP puts in the place of a question's first token: `[ENC]`. */
  readonly encoderTokenId?: number | undefined;
}

/** A model without the file has no settings. */
export async function readRewardSettings(files: ModelFiles): Promise<RewardSettings> {
  return (await files.readOptionalJson('reward.json', rewardSettings)) ?? {};
}

/** @throws {Error} that says what to do when a setting that the reward needs is not there */
export function requireSetting<Key extends keyof RewardSettings>(
  reward: string,
  settings: RewardSettings,
  key: Key,
): NonNullable<RewardSettings[Key]> {
  const value = settings[key];
  if (value !== undefined) return value;
  throw new Error(
    `Reward "${reward}" needs '${key}' in the model's reward.json, and there is none; ` +
      'export the model with tools/reward-models, or pass such a file as rewardFile',
  );
}
