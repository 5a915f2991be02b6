import { libraryBuild } from '../../tsup.preset.mjs';

export default libraryBuild();
