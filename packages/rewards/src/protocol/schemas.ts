/**
 * The messages between a reward server and its clients, as JSON: the one definition that the server, the client and the
 * OpenAPI document share. Images travel as lossless PNG, never as JPEG, which changes scores, nor as pickle, which runs code.
 */
import { z } from 'zod';

/** The version of the protocol, in the paths too. It changes when an old client would misread a new server. */
export const PROTOCOL = 1;

/**
 * UTF-16 units of a prompt. Text encoders read some hundred words at most; a judge is asked about no more than this either.
 * Rewards may repeat prompts in their failures, once for each image.
 */
export const MAXIMUM_PROMPT_LENGTH = 8_192;

const prompt = z.string().max(MAXIMUM_PROMPT_LENGTH).describe('What the image was made for.');

/** A PNG in base64. Whether it is one is told per image, in the results, and not for the whole request. */
const png = z.string().meta({
  description: 'A PNG file of at most 8 bits per channel in base64, without a data: prefix.',
  contentEncoding: 'base64',
  contentMediaType: 'image/png',
});

export const scoreRequestSchema = z
  .strictObject({
    images: z.array(png),
    prompts: z.array(prompt).describe('One per image.'),
    id: z
      .string()
      .max(128)
      .optional()
      .describe('Names the request in logs, where the header x-request-id does not.'),
  })
  .describe(
    'Images to score. The same request may be sent again: it has no effect but its answer.',
  );
export type ScoreRequest = z.infer<typeof scoreRequestSchema>;

const scoreSchema = z.object({
  ok: z.literal(true),
  value: z.number().describe('Higher is better.'),
  components: z.record(z.string(), z.number()).optional().describe('What the value is made of.'),
});

const failureSchema = z.object({
  ok: z.literal(false),
  kind: z.string().describe('Machine-readable reason, such as invalid-image.'),
  message: z.string(),
  retryable: z.boolean().describe('Whether asking again may help.'),
});

/** A score or a failure; a failure has no value, not even 0. */
export const resultSchema = z.union([scoreSchema, failureSchema]);

export const scoreAnswerSchema = z.object({
  results: z.array(resultSchema).describe('One per image, in order.'),
  reward: z.string().describe('Name of the reward.'),
  version: z.string().describe('Version of the reward, as in /info.'),
});

/** The same as far as a client trusts it at first: each result is looked at by itself. */
export const untrustedAnswerSchema = z.object({
  results: z.array(z.unknown()),
  reward: z.string(),
  version: z.string(),
});

const bound = z.number().nullable();

export const probeSchema = z
  .object({ image: png, prompt, value: z.number() })
  .describe('An image and a prompt whose score is known.');
export type Probe = z.infer<typeof probeSchema>;

export const rewardInfoSchema = z.object({
  name: z.string().min(1),
  version: z.string().describe('Names the code, the hash of the weights and the parameters.'),
  range: z
    .array(bound)
    .length(2)
    .default([null, null])
    .describe('Smallest and largest value; null where there is no limit, as JSON has no infinity.'),
  maximumBatch: z.int().min(1).describe('Images that the reward looks at in one call.'),
  concurrency: z.int().min(1).default(1).describe('Calls of the reward at once.'),
  scope: z
    .enum(['image', 'group'])
    .default('image')
    .describe(
      'What a score depends on: one image, or all images of the same prompt in the request.',
    ),
  deterministic: z.boolean().default(true).describe('Whether asking twice gives one answer.'),
  probe: probeSchema
    .nullable()
    .default(null)
    .describe('null where the reward is not deterministic, compares images, or cannot score it.'),
});
export type RewardInfo = z.infer<typeof rewardInfoSchema>;

const limitsSchema = z.object({
  maximumImages: z.int().min(1).describe('In one request.'),
  maximumBodyBytes: z.int().min(1),
  maximumPixels: z.int().min(1).describe('Of one image: width × height.'),
  maximumRequestPixels: z.int().min(1).describe('Of all images of a request together.'),
});

export const infoSchema = z.object({
  protocol: z.literal(PROTOCOL),
  rewards: z.array(rewardInfoSchema).min(1),
  limits: limitsSchema.partial().default({}),
});
export type Info = z.infer<typeof infoSchema>;

export const healthSchema = z.object({ status: z.enum(['ok', 'stopping']) });

export const errorSchema = z.object({
  error: z.object({
    kind: z.string().describe('Machine-readable reason, such as too-large.'),
    message: z.string(),
  }),
});
