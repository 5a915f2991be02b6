import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { formatFiles, generateFiles, updateJson, type Tree } from '@nx/devkit';

export type Layer =
  'network' | 'source' | 'maths' | 'format' | 'model' | 'reward' | 'runtime' | 'world' | 'product';

export interface PackageGeneratorOptions {
  readonly name: string;
  readonly layer?: Layer;
  readonly tensors?: boolean;
  readonly description?: string;
  readonly install?: boolean;
}

const tensorflowPeer = { '@tensorflow/tfjs-core': '^4.22.0' };

/**
 * Writes packages/NAME with everything that a package has here, its changeset and its project reference.
 *
 * @returns a task that links the package into node_modules once the files are on disk
 * @throws Error when the name is no kebab-case word or is taken
 */
export async function packageGenerator(
  tree: Tree,
  options: PackageGeneratorOptions,
): Promise<() => void> {
  const { name, layer = 'maths', tensors = false, install = true } = options;
  const description = options.description ?? `The ${name.replaceAll('-', ' ')} of loop-diffusion.`;
  const folder = `packages/${name}`;
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new Error(`A package's name is kebab-case, like diffusion-models, but "${name}" is not.`);
  }
  if (tree.exists(folder)) {
    throw new Error(`${folder} exists already. Choose another name, or remove it first.`);
  }

  generateFiles(tree, join(__dirname, 'files'), folder, {
    name,
    description,
    project: tensors ? 'tensorProject' : 'plainProject',
    peers: tensors ? ' @tensorflow/tfjs-core @tensorflow/tfjs-backend-cpu' : '',
    template: '',
  });
  tree.write(
    `${folder}/package.json`,
    JSON.stringify(manifest({ name, layer, tensors, description })),
  );
  const license = tree.read('LICENSE');
  if (license !== null) tree.write(`${folder}/LICENSE`, license);

  tree.write(
    `.changeset/${name}.md`,
    `---\n'@loop-diffusion/${name}': minor\n---\n\n${description}\n`,
  );
  updateJson<{ references: { path: string }[] }>(tree, 'tsconfig.json', (config) => ({
    ...config,
    references: [...config.references, { path: `./${folder}` }],
  }));
  await formatFiles(tree);

  return () => {
    if (!install) return;
    execFileSync('npm', ['install', '--ignore-scripts', '--prefer-offline'], {
      cwd: tree.root,
      stdio: 'inherit',
    });
  };
}

function manifest({
  name,
  layer,
  tensors,
  description,
}: Required<Omit<PackageGeneratorOptions, 'install'>>) {
  return {
    name: `@loop-diffusion/${name}`,
    version: '0.0.0',
    description,
    keywords: [name],
    license: 'MIT',
    repository: {
      type: 'git',
      url: 'git+https://github.com/loop-diffusion/loop-diffusion.git',
      directory: `packages/${name}`,
    },
    type: 'module',
    sideEffects: false,
    exports: {
      '.': {
        '@loop/source': './src/index.ts',
        import: { types: './dist/index.d.ts', default: './dist/index.js' },
        require: { types: './dist/index.d.cts', default: './dist/index.cjs' },
      },
      './package.json': './package.json',
    },
    main: './dist/index.cjs',
    module: './dist/index.js',
    types: './dist/index.d.ts',
    files: ['dist', 'src', '!src/**/*.test.ts', '!src/**/fixtures', 'CHANGELOG.md'],
    engines: { node: '>=20.3' },
    publishConfig: { access: 'public' },
    scripts: { build: 'tsup' },
    ...(tensors ? { peerDependencies: tensorflowPeer } : {}),
    nx: { tags: [`layer:${layer}`] },
  };
}
