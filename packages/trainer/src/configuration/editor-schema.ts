/** The configuration's JSON Schema with what rewards are called and set by, so that editors complete and check these too. */
import { rewardSettingsSchemas } from '@loop-diffusion/rewards';

import { asInJson, configJsonSchema, type JsonSchema } from './json-schema';

/** What has one of these letters is the place of somebody's own code; any other word is a name. */
const PLACE = String.raw`[#/.@\\]`;

export async function editorSchema(): Promise<JsonSchema> {
  const schema = configJsonSchema();
  const { rewards } = schema.properties ?? {};
  // A list of one kind of entry.
  const reward = rewards?.items as JsonSchema | undefined;
  const name = reward?.properties?.['name'];
  if (rewards === undefined || reward === undefined || name === undefined) {
    throw new Error('The schema has no rewards.');
  }
  const settings = { shapes: NO_SETTINGS, ...(await rewardSettingsSchemas()) };
  const named = {
    ...reward,
    properties: {
      ...reward.properties,
      name: {
        description: name.description,
        anyOf: [
          { type: 'string', enum: Object.keys(settings) },
          { type: 'string', pattern: PLACE },
        ],
      },
    },
    allOf: Object.entries(settings).map(([known, its]) => ({
      if: { required: ['name'], properties: { name: { const: known } } },
      then: { properties: { settings: asInJson(its as JsonSchema) } },
    })),
  };
  return { ...schema, properties: { ...schema.properties, rewards: { ...rewards, items: named } } };
}

const NO_SETTINGS = { type: 'object', properties: {}, additionalProperties: false };
