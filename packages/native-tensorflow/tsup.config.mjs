import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { libraryBuild } from '../../tsup.preset.mjs';

/**
 * Copies what is used of @tensorflow/tfjs-node-gpu (kernels, backend, the addon's sources) into dist/tfjs-node.
 *
 * A dependency on the npm package would make every user's `npm install` fetch TensorFlow 2.9 for CUDA 11 from a host that
 * many networks block, and fail there.
 */
async function copyTfjsNode() {
  const require = createRequire(join(process.cwd(), 'package.json'));
  const manifest = require.resolve('@tensorflow/tfjs-node-gpu/package.json');
  const from = dirname(manifest);
  const to = join(process.cwd(), 'dist', 'tfjs-node');
  const copy = (path) => cpSync(join(from, path), join(to, path));

  mkdirSync(join(to, 'dist', 'proto'), { recursive: true });
  for (const file of ['nodejs_kernel_backend.js', 'int64_tensors.js', 'register_all_kernels.js']) {
    copy(join('dist', file));
  }
  for (const file of readdirSync(join(from, 'dist', 'kernels'))) {
    if (file.endsWith('.js') && !file.endsWith('_test.js')) copy(join('dist', 'kernels', file));
  }
  for (const file of readdirSync(join(from, 'binding'))) copy(join('binding', file));
  // Messages for TensorBoard's histograms, the only use of google-protobuf; nothing here writes those.
  writeFileSync(join(to, 'dist', 'proto', 'api_pb.js'), 'module.exports = {};\n');

  const { name, version, license, repository } = JSON.parse(readFileSync(manifest, 'utf8'));
  const kept = { name, version, license, repository, type: 'commonjs' };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
}

export default { ...libraryBuild(), onSuccess: copyTfjsNode };
