import { libraryBuild } from '../../tsup.preset.mjs';

export default {
  // The command line is the bin's alone, and not part of the library.
  ...libraryBuild({
    index: 'src/index.ts',
    'command-line': 'src/command-line/run-command-line.ts',
  }),
  // Made from the sources, so that it cannot fall behind them.
  onSuccess:
    'node -C @loop/source --import tsx src/configuration/write-json-schema.ts dist/config.schema.json',
};
