import { libraryBuild } from '../../tsup.preset.mjs';

export default libraryBuild({ index: 'src/index.ts', node: 'src/node/index.ts' });
