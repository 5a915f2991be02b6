import { libraryBuild } from '../../tsup.preset.mjs';

export default {
  ...libraryBuild(),
  // Made from the sources, so that it cannot fall behind them.
  onSuccess: 'node --import tsx src/configuration/write-json-schema.ts dist/config.schema.json',
};
