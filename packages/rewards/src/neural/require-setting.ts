import { EXPORT_HINT } from './export-hint';

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
      `${EXPORT_HINT}, or pass such a file as rewardFile`,
  );
}
