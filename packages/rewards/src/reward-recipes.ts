/** Every reward by its name, with the settings that a file or a command line may give it. */
import { z } from 'zod';

import { jpegCompressibility, jpegIncompressibility } from './jpeg';
import { judgeReward } from './judge/judge-reward';
import { loadSharp } from './load-sharp';
import * as neural from './neural';
import { cocoDetector, type CocoDetectorOptions } from './objects/coco-detector';
import { numeracyReward } from './objects/numeracy-reward';
import type { ObjectDetector } from './objects/object-detector';
import { spatialReward } from './objects/spatial-reward';
import { remoteReward } from './remote/remote-reward';
import type { Reward } from './reward';
import { nsfwReward } from './safety/nsfw-reward';
import { ocrReward } from './text/ocr-reward';

/** How a reward is made from settings that come from outside. */
export interface RewardRecipe {
  readonly settings: z.ZodType;
  /**
   * @param settings as the schema has read them
   * @throws what the reward itself throws when it is opened
   */
  create(settings: unknown): Reward | Promise<Reward>;
}

function recipe<Settings extends z.ZodType>(
  settings: Settings,
  create: (settings: z.output<Settings>) => Reward | Promise<Reward>,
): RewardRecipe {
  return { settings, create: (read) => create(read as z.output<Settings>) };
}

const count = z.int().min(1);
const text = z.string().min(1);

const none = z.strictObject({});

const model = {
  model: text,
  rewardFile: text.optional(),
  intraOpNumThreads: count.optional(),
  batchSize: count.optional(),
};

const detector = {
  minimumScore: z.number().min(0).max(1).optional(),
  maximumIou: z.number().min(0).max(1).optional(),
};

const judge = z.strictObject({
  url: text,
  model: text,
  apiKeyEnv: text.optional(),
  rubric: z
    .union([z.enum(['alignment', 'aesthetics', 'legibility']), z.strictObject({ question: text })])
    .optional(),
  timeoutMs: count.optional(),
  attempts: count.optional(),
  concurrency: count.optional(),
  topLogprobs: count.optional(),
  deterministic: z.boolean().optional(),
});

const remote = z.strictObject({
  url: text,
  /** Which of the server's rewards. */
  name: text.optional(),
  /** Name of the environment variable that holds the bearer token. */
  tokenEnv: text.optional(),
  timeoutMs: count.optional(),
  deadlineMs: count.optional(),
  attempts: count.optional(),
  concurrency: count.optional(),
  cache: z.strictObject({ folder: text, maximumBytes: count.optional() }).optional(),
});

function tokenOf(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined;
  const token = process.env[variable];
  if (token !== undefined && token !== '') return token;
  throw new Error(`The environment variable ${variable} is not set; put the server's token there.`);
}

/** So that what is missing is said before the first picture. */
function withSharp(create: () => Reward): () => Promise<Reward> {
  return async () => {
    await loadSharp();
    return create();
  };
}

/** The detector is opened for the reward, and freed with it. */
function withDetector(create: (parts: { detector: ObjectDetector }) => Reward) {
  return async (settings: CocoDetectorOptions): Promise<Reward> => {
    const opened = await cocoDetector(settings);
    return { ...create({ detector: opened }), dispose: async () => opened.dispose?.() };
  };
}

export const REWARD_RECIPES: Readonly<Record<string, RewardRecipe>> = {
  'jpeg-compressibility': recipe(none, withSharp(jpegCompressibility)),
  'jpeg-incompressibility': recipe(none, withSharp(jpegIncompressibility)),
  'clip-score': recipe(
    z.strictObject({ ...model, prefix: z.string().optional() }),
    neural.clipScore,
  ),
  aesthetic: recipe(z.strictObject({ ...model, head: text.optional() }), neural.aesthetic),
  'pick-score': recipe(
    z.strictObject({ ...model, divisor: z.number().positive().optional() }),
    neural.pickScore,
  ),
  'human-preference': recipe(z.strictObject(model), neural.humanPreference),
  'image-reward': recipe(z.strictObject(model), neural.imageReward),
  'blip-vqa': recipe(z.strictObject(model), neural.blipVqa),
  'dino-diversity': recipe(z.strictObject(model), neural.dinoDiversity),
  ocr: recipe(none, () => ocrReward()),
  spatial: recipe(z.strictObject(detector), withDetector(spatialReward)),
  numeracy: recipe(z.strictObject(detector), withDetector(numeracyReward)),
  safety: recipe(none, nsfwReward),
  judge: recipe(judge, judgeReward),
  remote: recipe(remote, ({ tokenEnv, ...settings }) =>
    remoteReward({ ...settings, token: tokenOf(tokenEnv) }),
  ),
};
