import { libraryBuild } from '../../tsup.preset.mjs';

export default libraryBuild(['src/index.ts', 'src/testing.ts']);
