import { z } from 'zod';

import type { ModelFiles } from './model-files';
import type { RewardSettings } from './require-setting';

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

/** A model without the file has no settings. */
export async function readRewardSettings(files: ModelFiles): Promise<RewardSettings> {
  return (await files.readOptionalJson('reward.json', rewardSettings)) ?? {};
}
