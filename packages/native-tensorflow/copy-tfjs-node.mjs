/** Makes the folder `tfjs-node` of the built package: what is used of TensorFlow.js beside its core. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { build } from 'esbuild';

const require = createRequire(import.meta.url);

/**
 * A dependency on @tensorflow/tfjs-node-gpu would make every user's `npm install` fetch TensorFlow 2.9 for CUDA 11 from a
 * host that many networks block, and fail there. One on @tensorflow/tfjs would bring WebGL, layers, data and polyfills, of
 * which nothing is used.
 *
 * @param {string} to the folder to fill
 */
export async function copyTfjsNode(to) {
  copyKernels(to);
  await bundleGradients(join(to, 'dist', 'gradients.js'));
}

/** Kernels, backend and the addon's sources. The kernels take from the union package what is the core's alone. */
function copyKernels(to) {
  const manifest = require.resolve('@tensorflow/tfjs-node-gpu/package.json');
  const from = dirname(manifest);
  const copyScript = (path) => {
    const text = readFileSync(join(from, path), 'utf8');
    writeFileSync(
      join(to, path),
      text.replaceAll('require("@tensorflow/tfjs")', 'require("@tensorflow/tfjs-core")'),
    );
  };

  mkdirSync(join(to, 'dist', 'proto'), { recursive: true });
  mkdirSync(join(to, 'dist', 'kernels'), { recursive: true });
  for (const file of ['nodejs_kernel_backend.js', 'int64_tensors.js', 'register_all_kernels.js']) {
    copyScript(join('dist', file));
  }
  for (const file of readdirSync(join(from, 'dist', 'kernels'))) {
    if (file.endsWith('.js') && !file.endsWith('_test.js'))
      copyScript(join('dist', 'kernels', file));
  }
  cpSync(join(from, 'binding'), join(to, 'binding'), { recursive: true });
  // Messages for TensorBoard's histograms, the only use of google-protobuf; nothing here writes those.
  writeFileSync(join(to, 'dist', 'proto', 'api_pb.js'), 'module.exports = {};\n');

  const { name, version, license, repository } = JSON.parse(readFileSync(manifest, 'utf8'));
  const kept = { name, version, license, repository, type: 'commonjs' };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
}

/**
 * The core's gradients and the operations as methods of tensors, in one file that Node can load: as published they are
 * modules that only bundlers resolve.
 */
async function bundleGradients(outfile) {
  const dist = join(dirname(require.resolve('@tensorflow/tfjs-core/package.json')), 'dist');
  await build({
    stdin: {
      contents: `
        import './register_all_gradients.js';
        import './public/chained_ops/register_all_chained_ops.js';`,
      resolveDir: dist,
    },
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    external: ['@tensorflow/tfjs-core'],
    // The core's list of modules with side effects lacks these two.
    ignoreAnnotations: true,
    legalComments: 'inline',
    logLevel: 'warning',
    plugins: [publicCore()],
  });
}

/** What the core exports is taken from the core itself, of which there is to be one copy. */
function publicCore() {
  const core = require('@tensorflow/tfjs-core');
  return {
    name: 'public-core',
    setup({ onLoad }) {
      onLoad({ filter: /tfjs-core[\\/]dist[\\/].*\.js$/ }, ({ path }) => {
        if (/[\\/]engine\.js$/.test(path)) {
          return { contents: `exports.ENGINE = require('@tensorflow/tfjs-core').engine();` };
        }
        if (/[\\/]dist[\\/]util\.js$/.test(path)) {
          return { contents: `module.exports = require('@tensorflow/tfjs-core').util;` };
        }
        const names = exportedNames(readFileSync(path, 'utf8'));
        const isPublic = names.length > 0 && names.every((name) => name in core);
        return isPublic
          ? { contents: `module.exports = require('@tensorflow/tfjs-core');` }
          : undefined;
      });
    },
  };
}

function exportedNames(module) {
  const declared = module.matchAll(/^export (?:const|let|var|function|class) (\w+)/gm);
  const listed = module.matchAll(/^export \{([^}]*)\}/gm);
  return [
    ...[...declared].map(([, name]) => name),
    ...[...listed].flatMap(([, names]) =>
      names.split(',').map((name) => name.trim().split(' ').at(-1)),
    ),
  ];
}
