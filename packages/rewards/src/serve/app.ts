/** What the server answers at each path. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

import { OpenAPIHono, type RouteConfig } from '@hono/zod-openapi';
import type { Context } from 'hono';

import { type Info, PROTOCOL } from '../protocol/schemas';
import { tokenCheck } from './access';
import { ByteBudget, Holding } from './byte-budget';
import { HttpProblem, problemBody } from './http-problem';
import type { ServeLimits } from './limits';
import { createMetrics } from './metrics';
import { openApiDocument, serverRoutes } from './openapi';
import { parseScoreRequest } from './parse-request';
import { readBody } from './read-body';
import type { ServedReward } from './served-reward';

export interface AppOptions {
  readonly rewards: readonly ServedReward[];
  readonly token: string | undefined;
  readonly limits: ServeLimits;
  /** Told what went wrong in the server itself, which clients are not. */
  readonly onError: (error: unknown) => void;
  /** Aborted when the server takes no more requests. */
  readonly stopping: AbortSignal;
  /** Aborted when what is under way is given up. */
  readonly givenUp: AbortSignal;
}

interface Env {
  Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
  Variables: { id?: string };
}
type Handler = (context: Context<Env>) => Promise<Response>;

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;
const JSON_TYPE = { 'content-type': 'application/json' };

export async function createApp({
  rewards,
  token,
  limits,
  onError,
  stopping,
  givenUp,
}: AppOptions): Promise<(request: Request, env: object) => Response | Promise<Response>> {
  const app = new OpenAPIHono<Env>();
  const byName = new Map(rewards.map((reward) => [reward.info.name, reward]));
  const names = [...byName.keys()];
  const budget = new ByteBudget(limits.maximumHeldBytes);
  const metrics = await createMetrics(rewards);
  const hasAccess = token === undefined ? () => true : tokenCheck(token);

  /** Gives every answer its headers, and makes an answer of everything that is thrown. */
  const guarded =
    (path: string, open: boolean, handler: Handler): Handler =>
    async (context) => {
      let response: Response;
      try {
        if (!open && !hasAccess(context.env.incoming.headers.authorization)) {
          throw new HttpProblem(401, 'unauthorised', 'Send the token: Authorization: Bearer …', {
            'www-authenticate': 'Bearer',
          });
        }
        response = await handler(context);
      } catch (error) {
        if (!(error instanceof HttpProblem)) onError(error);
        response = problemResponse(error);
      }
      response.headers.set('x-request-id', requestId(context));
      if (stopping.aborted) response.headers.set('connection', 'close');
      metrics.countRequest(path, response.status);
      return response;
    };

  const serve = (
    route: RouteConfig & { getRoutingPath(): string },
    handler: Handler,
    open = false,
  ) => {
    const { method, path } = route;
    app.openapi(route, guarded(path, open, handler));
    const allow = method === 'get' ? 'GET, HEAD' : method.toUpperCase();
    const refuse = async () => {
      throw new HttpProblem(405, 'wrong-method', `${path} takes ${allow}.`, { allow });
    };
    app.all(route.getRoutingPath(), guarded(path, open, refuse));
  };

  const score = (find: (context: Context<Env>) => ServedReward): Handler => {
    return async (context) => {
      const { incoming, outgoing } = context.env;
      const began = performance.now();
      const reward = find(context);
      assertJson(incoming);
      if (stopping.aborted) throw new HttpProblem(503, 'stopping', 'The server is stopping.');
      return reward.admit(async () => {
        const { maximumBodyBytes, maximumImages, bodyMs, scoreMs } = limits;
        const holding = new Holding(budget);
        try {
          const options = { maximumBytes: maximumBodyBytes, timeoutMs: bodyMs, holding };
          const body = await readBody(incoming, options);
          // The texts that are made of it, and the pictures in them.
          holding.take(body.length);
          const request = parseScoreRequest(body, maximumImages);
          if (request.id !== undefined) context.set('id', request.id);
          const results = await withinTime(scoreMs, givenUp, outgoing, (signal) =>
            reward.score(request, { signal, holding }),
          );
          const { name, version } = reward.info;
          metrics.countResults(name, results, (performance.now() - began) / 1000);
          return respond({ results, reward: name, version });
        } finally {
          holding.giveBack();
        }
      });
    };
  };

  const theOnly = (): ServedReward => {
    const [first] = rewards;
    if (first !== undefined && rewards.length === 1) return first;
    const message = `There are several rewards (${names.join(', ')}); post to /v${PROTOCOL}/rewards/{name}/score.`;
    throw new HttpProblem(404, 'no-reward-named', message);
  };
  const named = (context: Context<Env>): ServedReward => {
    const reward = byName.get(context.req.param('name') ?? '');
    if (reward !== undefined) return reward;
    const message = `There is no such reward; expected one of ${names.join(', ')}.`;
    throw new HttpProblem(404, 'unknown-reward', message);
  };

  const described = {
    rewards: names,
    maximumImages: limits.maximumImages,
    token: token !== undefined,
  };
  const routes = serverRoutes(described);
  serve(routes.score, score(theOnly));
  serve(routes.scoreWith, score(named));
  serve(
    routes.health,
    async () =>
      stopping.aborted ? respond({ status: 'stopping' }, 503) : respond({ status: 'ok' }),
    true,
  );
  const { maximumImages, maximumBodyBytes, maximumPixels, maximumRequestPixels } = limits;
  const info: Info = {
    protocol: PROTOCOL,
    rewards: rewards.map((reward) => reward.info),
    limits: { maximumImages, maximumBodyBytes, maximumPixels, maximumRequestPixels },
  };
  serve(routes.info, async () => respond(info));
  serve(routes.metrics, async () => {
    const headers = { 'content-type': metrics.contentType };
    return new Response(await metrics.text(), { headers });
  });
  serve(routes.document, async () => respond(document));
  const document = openApiDocument(app, described);
  const unknown: Handler = async () => {
    throw new HttpProblem(404, 'unknown-path', 'There is nothing at this path; see /openapi.json.');
  };
  app.all('*', guarded('other', false, unknown));
  return app.fetch;
}

/** @returns an error as an answer; what is no {@link HttpProblem} keeps its details to itself */
export function problemResponse(error: unknown): Response {
  const problem =
    error instanceof HttpProblem
      ? error
      : new HttpProblem(500, 'internal', 'The server has a fault; its log says which.');
  const { status, headers } = problem;
  return new Response(problemBody(problem), { status, headers: { ...JSON_TYPE, ...headers } });
}

function respond(body: object, status = 200): Response {
  return new Response(JSON.stringify(body), { status, headers: JSON_TYPE });
}

function requestId(context: Context<Env>): string {
  const ids = [context.env.incoming.headers['x-request-id'], context.get('id')];
  const usable = (id: unknown): id is string => typeof id === 'string' && REQUEST_ID.test(id);
  return ids.find(usable) ?? randomUUID();
}

/** @throws {HttpProblem} 415 */
function assertJson({ headers }: IncomingMessage): void {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  const encoding = headers['content-encoding'] ?? 'identity';
  if (type === 'application/json' && encoding === 'identity') return;
  const message = 'Send the body as application/json, not compressed.';
  throw new HttpProblem(415, 'wrong-content-type', message);
}

/**
 * Waits for a task until its time is over, its client has gone or the server gives up; the task is told by its signal.
 * @throws {HttpProblem} 504, 503, or 499, which nobody reads and only the metrics count
 */
async function withinTime<T>(
  milliseconds: number,
  givenUp: AbortSignal,
  outgoing: ServerResponse,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = (problem: HttpProblem) => () => controller.abort(problem);
  const late = abort(
    new HttpProblem(504, 'timeout', `The reward gave no answer within ${milliseconds} ms.`),
  );
  const gone = abort(new HttpProblem(499, 'disconnected', 'The client has gone.'));
  const stop = abort(new HttpProblem(503, 'stopping', 'The server has stopped.'));
  const timer = setTimeout(late, milliseconds);
  outgoing.once('close', gone);
  givenUp.addEventListener('abort', stop);
  try {
    if (outgoing.destroyed) gone();
    if (givenUp.aborted) stop();
    const { signal } = controller;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as HttpProblem), { once: true });
    });
    signal.throwIfAborted();
    return await Promise.race([task(signal), aborted]);
  } finally {
    clearTimeout(timer);
    outgoing.off('close', gone);
    givenUp.removeEventListener('abort', stop);
  }
}
