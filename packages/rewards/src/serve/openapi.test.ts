import Ajv from 'ajv';
import fc from 'fast-check';

import { numberedImage } from '../protocol/testing/example-images';
import { numberReward } from '../protocol/testing/example-reward';
import { encodeWireImage } from '../protocol/wire-image';
import { type RewardServer, serveRewards } from './serve-rewards';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A schema, as far as the document's own go. */
interface Schema {
  $ref?: string;
  type?: string;
  const?: Json;
  enum?: Json[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  maxLength?: number;
  maxItems?: number;
}
interface Answer {
  content?: Record<string, { schema: Schema }>;
}
interface Operation {
  parameters?: { name: string; schema: Schema }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  responses: Record<string, Answer>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const TOKEN = 'a-token-of-20-chars!';

/** One with several rewards, and one with one. */
const servers: RewardServer[] = [];
const documents: Document[] = [];
let png: string;
const faults: unknown[] = [];

beforeAll(async () => {
  for (const rewards of [
    [numberReward(), numberReward({ name: 'second/reward' })],
    [numberReward()],
  ]) {
    const server = await serveRewards({
      rewards,
      port: 0,
      token: TOKEN,
      limits: { maximumImages: 3 },
      onError: (error) => faults.push(error),
    });
    const response = await fetch(`${server.url}/openapi.json`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    servers.push(server);
    documents.push((await response.json()) as Document);
  }
  png = await encodeWireImage(numberedImage(9));
});
afterAll(() => Promise.all(servers.map((server) => server.close())));

const KEYWORDS = new Set(
  '$ref type const enum anyOf properties required additionalProperties items maxLength maxItems'.split(
    ' ',
  ),
);

/** Anything that a schema of a request allows. Images are often real ones, since a chance text never is. */
function validFor(schema: Schema): fc.Arbitrary<unknown> {
  for (const keyword of Object.keys(schema)) {
    const annotation = /^(description|content)/.test(keyword);
    if (!annotation && !KEYWORDS.has(keyword)) throw new Error(`no generator for ${keyword}`);
  }
  if (schema.$ref !== undefined) return validFor(resolve(schema.$ref));
  if ('contentEncoding' in schema)
    return fc.oneof(fc.constant(png), fc.base64String(), fc.string());
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.type === 'string') {
    return fc.string({ unit: 'binary', maxLength: Math.min(20, schema.maxLength ?? 20) });
  }
  if (schema.type === 'array')
    return fc.array(validFor(schema.items ?? {}), { maxLength: schema.maxItems ?? 5 });
  if (schema.type === 'object') {
    const properties = Object.entries(schema.properties ?? {}).map(
      ([name, property]) => [name, validFor(property)] as const,
    );
    return fc.record(Object.fromEntries(properties), {
      requiredKeys: schema.required ?? [],
      noNullPrototype: true,
    });
  }
  return fc.jsonValue();
}

function resolve(reference: string): Schema {
  const schema = documents[0]!.components.schemas[reference.replace('#/components/schemas/', '')];
  if (schema === undefined) throw new Error(`${reference} leads nowhere`);
  return schema;
}

/** A valid value with one place in it replaced, removed or added. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(value)) {
    const list: unknown[] = value;
    const place = fc.nat(list.length);
    return fc.oneof(
      fc.tuple(place, fc.jsonValue()).map(([at, item]) => list.toSpliced(at, 1, item)),
      fc.tuple(place, fc.jsonValue()).map(([at, item]) => list.toSpliced(at, 0, item)),
      place.map((at) => list.toSpliced(at, 1)),
      fc.jsonValue(),
    );
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    const place = fc.nat(Math.max(0, entries.length - 1));
    return fc.oneof(
      place.chain((at) => {
        const [name, inner] = entries[at] ?? ['images', []];
        return mutated(inner).map((other) => ({ ...value, [name]: other }));
      }),
      place.map((at) => Object.fromEntries(entries.toSpliced(at, 1))),
      fc.tuple(fc.string(), fc.jsonValue()).map(([name, more]) => ({ ...value, [name]: more })),
      fc.jsonValue(),
    );
  }
  return fc.jsonValue();
}

/** Its components may be named in a schema; the draft of the document and of the checker agree in what is used here. */
function checkerOf(schema: Schema) {
  const ajv = new Ajv({ allErrors: true });
  const text = JSON.stringify({ ...schema, definitions: documents[0]!.components.schemas });
  return ajv.compile(
    JSON.parse(text.replaceAll('#/components/schemas/', '#/definitions/')) as object,
  );
}

const checkers = new Map<string, ReturnType<typeof checkerOf>>();

async function expectDocumented(operation: Operation, response: Response): Promise<void> {
  const answer = operation.responses[String(response.status)];
  const body = await response.text();
  if (answer === undefined) throw new Error(`${response.status} is not documented: ${body}`);
  const [type, content] = Object.entries(answer.content ?? {})[0]!;
  expect(response.headers.get('content-type')?.split(';')[0]).toBe(type);
  expect(response.headers.get('x-request-id')).toMatch(/^[\x21-\x7e]{1,128}$/);
  if (type !== 'application/json') return;
  const key = JSON.stringify(content.schema);
  const check = checkers.get(key) ?? checkerOf(content.schema);
  checkers.set(key, check);
  if (check(JSON.parse(body)) !== true) throw new Error(`${body}: ${JSON.stringify(check.errors)}`);
}

function operations() {
  return documents.flatMap(({ paths }, index) =>
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        base: servers[index]!.url,
        path,
        method,
        operation,
      })),
    ),
  );
}

it('describes every path that there is', () => {
  const others = ['get /health', 'get /info', 'get /metrics', 'get /openapi.json'];
  expect(operations().map(({ path, method }) => `${method} ${path}`)).toEqual([
    ...['post /v1/rewards/{name}/score', ...others],
    ...['post /v1/score', 'post /v1/rewards/{name}/score', ...others],
  ]);
});

it('answers whatever comes as it documents', async () => {
  const statuses = new Set<number>();
  const scoring = operations().filter(({ operation }) => operation.requestBody !== undefined);
  const name = fc.oneof(
    { arbitrary: fc.constantFrom('number', 'second/reward'), weight: 5 },
    fc.constantFrom('__proto__', '..', 'constructor'),
    fc.string({ minLength: 1 }).filter((text) => text !== '.' && text !== '..'),
  );
  const cases = fc.constantFrom(...scoring).chain(({ base, path, operation }) => {
    const valid = validFor(operation.requestBody!.content['application/json'].schema);
    const body = fc.oneof(
      // As many prompts as images, which a schema cannot say.
      valid.map((value) => {
        const request = value as { images: unknown[] };
        return { ...request, prompts: request.images.map(String) };
      }),
      valid,
      fc.nat(9).map((count) => {
        const images = Array.from({ length: count }, () => png);
        return { images, prompts: images.map(() => '') };
      }),
      valid.chain(mutated),
      fc.jsonValue(),
    );
    const text = fc.oneof(
      { arbitrary: body.map((value) => JSON.stringify(value)), weight: 9 },
      fc.string({ unit: 'binary' }),
    );
    const type = fc.oneof(
      { arbitrary: fc.constant('application/json'), weight: 9 },
      fc.constantFrom('text/plain', 'application/json; charset=utf-8', 'image/png'),
    );
    const token = fc.oneof({ arbitrary: fc.constant(TOKEN), weight: 9 }, fc.constant('wrong'));
    return fc.record({
      base: fc.constant(base),
      path: fc.constant(path),
      operation: fc.constant(operation),
      name,
      text,
      type,
      token,
    });
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ base, path, operation, name: given, text, type, token }) => {
      const url = `${base}${path.replace('{name}', () => encodeURIComponent(given))}`;
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': type, authorization: `Bearer ${token}` },
        body: text,
      });
      // `..` is taken out of a path before it is sent, which then is another one.
      if (new URL(url).pathname.split('/').length !== path.split('/').length) return;
      statuses.add(response.status);
      await expectDocumented(operation, response);
    }),
    { seed: 7, numRuns: 300 },
  );
  expect([...statuses].sort()).toEqual([200, 400, 401, 404, 413, 415, 422]);
  expect(faults).toEqual([]);
});

it('answers what is asked for with GET as it documents, and refuses other methods', async () => {
  const methods = ['get', 'post', 'put', 'delete', 'patch', 'options'];
  for (const { base, path, method, operation } of operations()) {
    for (const other of methods) {
      const response = await fetch(`${base}${path.replace('{name}', 'number')}`, {
        method: other.toUpperCase(),
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      if (other !== method) expect(response.status).toBe(405);
      else await expectDocumented(operation, response);
    }
  }
});
