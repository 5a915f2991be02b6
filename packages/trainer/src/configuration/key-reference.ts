/** Every key of a configuration, read from its schema. */
import type { z } from 'zod';

import type { FieldMeta } from '../fields';
import { configSchema } from './schema';

export interface ConfigKey {
  /** Dotted path; `[]` stands for an index. */
  readonly path: string;
  readonly description: string;
  readonly expected: string;
  /** `undefined` where the default depends on other keys. */
  readonly default: unknown;
}

/** All keys that hold a value, in the schema's order. */
export function configKeys(): ConfigKey[] {
  return collectKeys(configSchema, '');
}

/** The names allowed directly under a path, or an empty list where the path holds no keys. */
export function namesAt(path: readonly PropertyKey[]): string[] {
  const node = schemaAt(path);
  return node?.kind === 'object' ? Object.keys(node.shape) : [];
}

/** What the value at a path is for; undefined for a path that has no meaning of its own. */
export function fieldMetaAt(path: readonly PropertyKey[]): FieldMeta | undefined {
  return schemaAt(path)?.meta;
}

/** The list that a path holds by default; undefined for a path that holds none. */
export function defaultListAt(path: readonly PropertyKey[]): readonly unknown[] | undefined {
  const value = schemaAt(path)?.defaultValue;
  return Array.isArray(value) ? value : undefined;
}

type Schema = z.core.$ZodType;
type Node = { meta: FieldMeta | undefined; defaultValue: unknown } & (
  | { kind: 'object'; shape: Readonly<Record<string, Schema>> }
  | { kind: 'array'; element: Schema }
  | { kind: 'leaf' }
);

function collectKeys(schema: Schema, path: string): ConfigKey[] {
  const node = unwrap(schema);
  // A section has a meaning of its own where it may be null.
  const own =
    node.meta === undefined
      ? []
      : [
          {
            path,
            description: node.meta.description,
            expected: node.meta.expected,
            default: node.defaultValue,
          },
        ];
  if (node.kind === 'object') {
    const children = Object.entries(node.shape).flatMap(([name, child]) =>
      collectKeys(child, path === '' ? name : `${path}.${name}`),
    );
    return [...own, ...children];
  }
  const element = node.kind === 'array' ? unwrap(node.element) : undefined;
  return element?.kind === 'object' && node.kind === 'array'
    ? [...own, ...collectKeys(node.element, `${path}[]`)]
    : own;
}

function schemaAt(path: readonly PropertyKey[]): Node | undefined {
  let node = unwrap(configSchema);
  for (const segment of path) {
    let child: Schema | undefined;
    if (node.kind === 'array') child = node.element;
    else if (node.kind === 'object' && Object.hasOwn(node.shape, segment)) {
      child = node.shape[String(segment)];
    }
    // A path into a leaf, such as one of two betas, means the leaf.
    if (child === undefined) return node.kind === 'leaf' ? node : undefined;
    node = unwrap(child);
  }
  return node;
}

/** The schema under its defaults, and the meaning wherever it was attached. */
function unwrap(schema: Schema): Node {
  let current = schema as z.ZodType;
  let meta = metaOf(current);
  let defaultValue: unknown;
  for (;;) {
    const definition = (current as z.ZodType & { def: SchemaDefinition }).def;
    if (definition.innerType === undefined) {
      if (definition.shape !== undefined) {
        return { kind: 'object', shape: definition.shape, meta, defaultValue };
      }
      if (definition.element !== undefined) {
        return { kind: 'array', element: definition.element, meta, defaultValue };
      }
      return { kind: 'leaf', meta, defaultValue };
    }
    if (/^(de|pre)fault$/.test(definition.type)) defaultValue = definition.defaultValue;
    current = definition.innerType as z.ZodType;
    meta ??= metaOf(current);
  }
}

interface SchemaDefinition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly defaultValue?: unknown;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly element?: Schema;
}

function metaOf(schema: z.ZodType): FieldMeta | undefined {
  const meta = schema.meta();
  return typeof meta?.['expected'] === 'string' && typeof meta.description === 'string'
    ? { expected: meta['expected'], description: meta.description }
    : undefined;
}
