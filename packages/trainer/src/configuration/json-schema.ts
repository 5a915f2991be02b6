/** The configuration as a JSON Schema, for editors and other programs. */
import { z } from 'zod';

import { configSchema } from './schema';

/** A schema as far as the ones that are made here go. */
export interface JsonSchema {
  type?: string;
  description?: string | undefined;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema | JsonSchema[];
  anyOf?: JsonSchema[];
  [keyword: string]: unknown;
}

/**
 * What a configuration file may hold, as draft 7, which editors know best: every key with its meaning, its range and,
 * unless it depends on other keys, its default.
 */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-07', io: 'input' }) as JsonSchema;
  return { ...asInJson(schema), title: 'Configuration of loop-diffusion' };
}

export function asInJson(schema: JsonSchema): JsonSchema {
  const { expected, ...result } = schema;
  for (const limit of ['minimum', 'maximum']) {
    // Infinity would become null, and the largest safe integer stands for no limit.
    if (!isLimit(result[limit])) Reflect.deleteProperty(result, limit);
  }
  if (typeof expected === 'string') {
    result.description = `${result.description ?? ''} (${expected})`;
  }
  if (result.properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(result.properties).map(([name, child]) => [name, asInJson(child)]),
    );
  }
  if (Array.isArray(result.items)) result.items = result.items.map(asInJson);
  else if (result.items !== undefined) result.items = asInJson(result.items);
  if (result.anyOf !== undefined) {
    result.anyOf = result.anyOf.map(asInJson);
    // A key that may be null has its meaning one level down, where an editor does not look.
    result.description ??= result.anyOf
      .find(({ description }) => description !== undefined)
      ?.description?.replace(/\)$/, ', or null)');
  }
  return result;
}

function isLimit(value: unknown): boolean {
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER;
}
