/** The server in OpenAPI 3.1, made from the schemas that it checks requests with. */
import { z } from 'zod';

import {
  errorSchema,
  healthSchema,
  infoSchema,
  PROTOCOL,
  scoreAnswerSchema,
  scoreRequestSchema,
} from '../protocol/schemas';

/** JSON as far as a document needs it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): { [key: string]: Json } => {
  const made = z.toJSONSchema(schema, { io }) as { [key: string]: Json };
  delete made['$schema']; // The document says it once.
  return made;
};

const json = (name: string): Json => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});

const REQUEST_ID: Json = {
  'x-request-id': {
    description: 'The id that the request came with, or a new one.',
    schema: { type: 'string' },
  },
};

const answer = (description: string, name: string): Json => ({
  description,
  headers: REQUEST_ID,
  content: json(name),
});

/** What can be wrong with any request. */
const ANYWHERE: Record<string, string> = {
  400: 'The request is not HTTP, or not JSON, as far as it came.',
  431: 'The path and the headers are too long.',
};
const WITHOUT_TOKEN = { 401: 'The token is missing or wrong.' };
const SCORING: Record<string, string> = {
  404: 'There is no such reward, or there are several and none is named.',
  408: 'The body came too slowly.',
  413: 'The body, the number of images or an image is larger than /info allows.',
  415: 'The body is not application/json, or it is compressed.',
  422: 'The body is JSON and not a request, or has not one prompt per image.',
  500: 'The server has a fault; its log says which.',
  503: 'Too much waits already (with Retry-After), or the server is stopping.',
  504: 'The reward took too long.',
};

const problems = (...tables: Record<string, string>[]): Record<string, Json> =>
  Object.fromEntries(
    Object.entries(Object.assign({}, ...tables) as Record<string, string>).map(
      ([status, description]) => [status, answer(description, 'Error')],
    ),
  );

function getting(summary: string, ok: Json, ...tables: Record<string, string>[]): Json {
  return { get: { summary, responses: { 200: ok, ...problems(ANYWHERE, ...tables) } } };
}

function scoring(summary: string, operationId: string, parameters: Json[]): Json {
  return {
    post: {
      summary,
      operationId,
      parameters,
      requestBody: { required: true, content: json('ScoreRequest') },
      responses: {
        200: answer('One result per image, in order.', 'ScoreAnswer'),
        ...problems(ANYWHERE, WITHOUT_TOKEN, SCORING),
      },
    },
  };
}

/** The limit of this server, on both lists of a request. */
function withMaximumItems(schema: { [key: string]: Json }, maxItems: number): Json {
  const properties = schema['properties'] as Record<string, { [key: string]: Json }>;
  const { images, prompts } = properties;
  return {
    ...schema,
    properties: {
      ...properties,
      images: { ...images, maxItems },
      prompts: { ...prompts, maxItems },
    },
  };
}

export interface OpenApiOptions {
  readonly rewards: readonly string[];
  /** In one request. */
  readonly maximumImages: number;
  /** Whether the server asks for a token. */
  readonly token: boolean;
}

export function openApiDocument({ rewards, maximumImages, token }: OpenApiOptions): {
  [key: string]: Json;
} {
  const locked = token ? [WITHOUT_TOKEN] : [];
  return {
    openapi: '3.1.0',
    info: {
      title: 'Reward server of loop-diffusion',
      version: String(PROTOCOL),
      description: 'Images and prompts in, scores or failures out.',
    },
    paths: {
      ...(rewards.length === 1
        ? { [`/v${PROTOCOL}/score`]: scoring('Score with the only reward', 'score', []) }
        : {}),
      [`/v${PROTOCOL}/rewards/{name}/score`]: scoring(
        'Score with one of the rewards',
        'scoreWith',
        [
          {
            name: 'name',
            in: 'path',
            required: true,
            schema: { type: 'string', enum: [...rewards] },
          },
        ],
      ),
      '/health': {
        get: {
          summary: 'Whether the server takes requests',
          security: [],
          responses: {
            200: answer('It does.', 'Health'),
            503: answer('It is stopping.', 'Health'),
            ...problems(ANYWHERE),
          },
        },
      },
      '/info': getting('The rewards and the limits', answer('What is served.', 'Info'), ...locked),
      '/metrics': getting(
        'Counters for Prometheus',
        {
          description: 'In the text format.',
          headers: REQUEST_ID,
          content: { 'text/plain': { schema: { type: 'string' } } },
        },
        ...locked,
      ),
      '/openapi.json': getting(
        'This document',
        {
          description: 'OpenAPI 3.1.',
          headers: REQUEST_ID,
          content: { 'application/json': { schema: { type: 'object' } } },
        },
        ...locked,
      ),
    },
    components: {
      schemas: {
        ScoreRequest: withMaximumItems(schemaOf(scoreRequestSchema, 'input'), maximumImages),
        ScoreAnswer: schemaOf(scoreAnswerSchema, 'output'),
        Info: schemaOf(infoSchema, 'output'),
        Health: schemaOf(healthSchema, 'output'),
        Error: schemaOf(errorSchema, 'output'),
      },
      ...(token ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
    ...(token ? { security: [{ token: [] }] } : {}),
  };
}
