import { fileURLToPath } from 'node:url';
import { libraryBuild } from '../../tsup.preset.mjs';
import { copyTfjsNode } from './copy-tfjs-node.mjs';

export default {
  ...libraryBuild(['src/index.ts', 'src/install-command.ts', 'src/check-kernels-process.ts']),
  onSuccess: () => copyTfjsNode(fileURLToPath(new URL('dist/tfjs-node', import.meta.url))),
};
