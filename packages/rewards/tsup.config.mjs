import { libraryBuild } from '../../tsup.preset.mjs';

export default libraryBuild({
  index: 'src/index.ts',
  'command-line': 'src/command-line/index.ts',
  neural: 'src/neural/index.ts',
  remote: 'src/remote/index.ts',
  serve: 'src/serve/index.ts',
});
