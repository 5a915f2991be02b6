import { libraryBuild } from '../../tools/build/tsup';

export default libraryBuild();
