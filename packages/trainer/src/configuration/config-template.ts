/** A configuration file to start from: every key at its default, with what it means and may be. */
import { stringify } from 'yaml';

import { configJsonSchema, type JsonSchema } from './json-schema';
import type { TrainSettings } from './schema';
import { yamlTags } from './yaml-text';

/**
 * @param schemaPath where the JSON Schema is, as seen from the file, for editors
 * @param settings values in the place of defaults
 * @returns YAML that resolves to the defaults; keys whose default depends on others are commented out
 */
export function configTemplate(schemaPath: string, settings: TrainSettings = {}): string {
  return [
    `# yaml-language-server: $schema=${schemaPath}`,
    '# What "loop-diffusion train" does with this file. Every key stands at its default, which it also takes when it is left out.',
    ...sectionLines(configJsonSchema(), '', settings),
    '',
  ].join('\n');
}

function sectionLines(section: JsonSchema, indent: string, settings: object): string[] {
  return Object.entries(section.properties ?? {}).flatMap(([name, schema]) => {
    const inner = innerSection(schema);
    const { description } = schema;
    const value = (settings as Record<string, unknown>)[name];
    const about = (inner === undefined ? aboutLines(schema) : aboutLines({ description })).map(
      (line) => `${indent}# ${line}`,
    );
    if (inner !== undefined) {
      return [
        '',
        ...about,
        `${indent}${name}:`,
        ...sectionLines(inner, `${indent}  `, value ?? {}),
      ];
    }
    const entry =
      value === undefined && schema.default === undefined
        ? [`# ${name}:`]
        : entryLines({ [name]: value ?? schema.default });
    return [...(indent === '' ? [''] : []), ...about, ...entry.map((line) => `${indent}${line}`)];
  });
}

/** The section that a key holds by default, also where it may be null instead. */
function innerSection(schema: JsonSchema): JsonSchema | undefined {
  // A section without a default is there for those who need it.
  if (schema.properties !== undefined) return schema.default === undefined ? undefined : schema;
  if (schema.default === null) return undefined;
  return schema.anyOf?.find(({ properties }) => properties !== undefined);
}

/** The meaning of a key, and of the keys of what it may hold. */
function aboutLines(schema: JsonSchema): string[] {
  return [
    ...(schema.description === undefined ? [] : [schema.description]),
    ...Object.entries(keysWithin(schema)).flatMap(([name, child]) => {
      const otherwise =
        child.default === undefined ? '' : `; left out: ${JSON.stringify(child.default)}`;
      const description = `${name}: ${child.description ?? ''}${otherwise}`;
      return aboutLines({ ...child, description }).map((line) => `  ${line}`);
    }),
  ];
}

/** Of the entries of a list, or of a section that may be null or left out. */
function keysWithin({ items, anyOf = [], properties }: JsonSchema): Record<string, JsonSchema> {
  const within = [...(items === undefined ? [] : [items].flat()), ...anyOf];
  return Object.assign({}, properties, ...within.map((each) => each.properties)) as Record<
    string,
    JsonSchema
  >;
}

function entryLines(entry: Record<string, unknown>): string[] {
  return stringify(entry, { lineWidth: 0, customTags: yamlTags }).trimEnd().split('\n');
}
