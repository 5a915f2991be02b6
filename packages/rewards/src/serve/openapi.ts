/**
 * The server's routes: what it answers at each path, and how OpenAPI 3.1 describes it, in one. Bodies are named schemas, made
 * by zod from those that requests are checked with: the router would read and check a body of a zod schema by itself, with
 * no limit of bytes and time.
 */
import { createRoute, type OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Env } from 'hono';
import { z } from 'zod';

import {
  errorSchema,
  healthSchema,
  infoSchema,
  PROTOCOL,
  scoreAnswerSchema,
  scoreRequestSchema,
} from '../protocol/schemas';

type Schema = Record<string, unknown>;
type Answer = Exclude<RouteConfig['responses'][string], { $ref: string }>;
type Problems = Readonly<Record<number, string>>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Schema => {
  const made: Schema = z.toJSONSchema(schema, { io });
  delete made['$schema']; // The document says it once.
  return made;
};

const json = (name: string) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
});

const REQUEST_ID = {
  'x-request-id': {
    description: 'The id that the request came with, or a new one.',
    schema: { type: 'string' as const },
  },
};

const answer = (description: string, content: Answer['content']): Answer => ({
  description,
  headers: REQUEST_ID,
  ...(content === undefined ? {} : { content }),
});

/** What can be wrong with any request. */
const ANYWHERE: Problems = {
  400: 'The request is not HTTP, or not JSON, as far as it came.',
  431: 'The path and the headers are too long.',
};
const WITHOUT_TOKEN: Problems = { 401: 'The token is missing or wrong.' };
const SCORING: Problems = {
  404: 'There is no such reward, or there are several and none is named.',
  408: 'The body came too slowly.',
  413: 'The body, the number of images or an image is larger than /info allows.',
  415: 'The body is not application/json, or it is compressed.',
  422: 'The body is JSON and not a request, or has not one prompt per image.',
  500: 'The server has a fault; its log says which.',
  503: 'Too much waits already (with Retry-After), or the server is stopping.',
  504: 'The reward took too long.',
};

const problems = (...tables: Problems[]): Record<string, Answer> =>
  Object.fromEntries(
    Object.entries(Object.assign({}, ...tables) as Problems).map(([status, description]) => [
      status,
      answer(description, json('Error')),
    ]),
  );

interface Get {
  readonly path: string;
  readonly summary: string;
  readonly ok: Answer;
  readonly others?: Record<string, Answer>;
}

const getting = ({ path, summary, ok, others = {} }: Get) =>
  createRoute({ method: 'get', path, summary, responses: { 200: ok, ...others } });

interface Scoring {
  readonly path: string;
  readonly summary: string;
  readonly operationId: string;
  readonly parameters?: NonNullable<RouteConfig['parameters']>;
  /** Whether the document leaves it out. */
  readonly hide?: boolean;
}

const scoring = ({ parameters = [], hide = false, ...described }: Scoring) =>
  createRoute({
    ...described,
    method: 'post',
    parameters,
    hide,
    request: { body: { required: true, content: json('ScoreRequest') } },
    responses: {
      200: answer('One result per image, in order.', json('ScoreAnswer')),
      ...problems(ANYWHERE, WITHOUT_TOKEN, SCORING),
    },
  });

export interface RouteOptions {
  readonly rewards: readonly string[];
  /** In one request. */
  readonly maximumImages: number;
  /** Whether the server asks for a token. */
  readonly token: boolean;
}

/** The routes, in the order of the document. */
export function serverRoutes({ rewards, token }: RouteOptions) {
  const locked = problems(ANYWHERE, token ? WITHOUT_TOKEN : {});
  return {
    score: scoring({
      path: `/v${PROTOCOL}/score`,
      summary: 'Score with the only reward',
      operationId: 'score',
      // It says which rewards there are.
      hide: rewards.length !== 1,
    }),
    scoreWith: scoring({
      path: `/v${PROTOCOL}/rewards/{name}/score`,
      summary: 'Score with one of the rewards',
      operationId: 'scoreWith',
      parameters: [
        {
          name: 'name',
          in: 'path',
          required: true,
          schema: { type: 'string', enum: [...rewards] },
        },
      ],
    }),
    health: createRoute({
      method: 'get',
      path: '/health',
      summary: 'Whether the server takes requests',
      security: [],
      responses: {
        200: answer('It does.', json('Health')),
        503: answer('It is stopping.', json('Health')),
        ...problems(ANYWHERE),
      },
    }),
    info: getting({
      path: '/info',
      summary: 'The rewards and the limits',
      ok: answer('What is served.', json('Info')),
      others: locked,
    }),
    metrics: getting({
      path: '/metrics',
      summary: 'Counters for Prometheus',
      ok: answer('In the text format.', { 'text/plain': { schema: { type: 'string' } } }),
      others: locked,
    }),
    document: getting({
      path: '/openapi.json',
      summary: 'This document',
      ok: answer('OpenAPI 3.1.', { 'application/json': { schema: { type: 'object' } } }),
      others: locked,
    }),
  };
}

/** The limit of this server, on both lists of a request. */
function withMaximumItems(schema: Schema, maxItems: number): Schema {
  const properties = schema['properties'] as Record<string, object>;
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

/** The document of an app all of whose routes are there. */
export function openApiDocument<E extends Env>(
  app: OpenAPIHono<E>,
  { maximumImages, token }: RouteOptions,
): object {
  const schemas = {
    ScoreRequest: withMaximumItems(schemaOf(scoreRequestSchema, 'input'), maximumImages),
    ScoreAnswer: schemaOf(scoreAnswerSchema, 'output'),
    Info: schemaOf(infoSchema, 'output'),
    Health: schemaOf(healthSchema, 'output'),
    Error: schemaOf(errorSchema, 'output'),
  };
  const registry = app.openAPIRegistry;
  for (const [name, schema] of Object.entries(schemas)) {
    registry.registerComponent('schemas', name, schema);
  }
  if (token)
    registry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Reward server of loop-diffusion',
      version: String(PROTOCOL),
      description: 'Images and prompts in, scores or failures out.',
    },
    ...(token ? { security: [{ token: [] }] } : {}),
  });
}
