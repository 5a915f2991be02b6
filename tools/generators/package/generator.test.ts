import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readJson, type Tree } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';

import { packageGenerator } from './generator';

const root = join(__dirname, '../../..');

function emptyWorkspace(): Tree {
  const tree = createTreeWithEmptyWorkspace({ formatter: 'none' });
  for (const file of ['tsconfig.json', 'LICENSE']) {
    tree.write(file, readFileSync(join(root, file)));
  }
  return tree;
}

describe('packageGenerator', () => {
  it('writes every file that a package has', async () => {
    const tree = emptyWorkspace();
    await packageGenerator(tree, { name: 'colour-spaces' });

    const files = tree.listChanges().map(({ path }) => path);
    expect(files).toEqual(
      expect.arrayContaining([
        '.changeset/colour-spaces.md',
        'packages/colour-spaces/LICENSE',
        'packages/colour-spaces/README.md',
        'packages/colour-spaces/jest.config.mjs',
        'packages/colour-spaces/package.json',
        'packages/colour-spaces/src/index.ts',
        'packages/colour-spaces/src/root-mean-square.test.ts',
        'packages/colour-spaces/src/root-mean-square.ts',
        'packages/colour-spaces/tsconfig.json',
        'packages/colour-spaces/tsconfig.lib.json',
        'packages/colour-spaces/tsconfig.spec.json',
        'packages/colour-spaces/tsup.config.mjs',
      ]),
    );
    expect(files.filter((path) => path.endsWith('.template'))).toEqual([]);
  });

  it('names the package, its layer and its project reference', async () => {
    const tree = emptyWorkspace();
    await packageGenerator(tree, { name: 'colour-spaces', layer: 'reward' });

    expect(readJson(tree, 'packages/colour-spaces/package.json')).toMatchObject({
      name: '@loop-diffusion/colour-spaces',
      nx: { tags: ['layer:reward'] },
    });
    const { references } = readJson<{ references: unknown[] }>(tree, 'tsconfig.json');
    expect(references).toContainEqual({ path: './packages/colour-spaces' });
    expect(tree.read('.changeset/colour-spaces.md', 'utf8')).toContain(
      `'@loop-diffusion/colour-spaces': minor`,
    );
  });

  it('gives a package with tensors its peer and its test backend', async () => {
    const tree = emptyWorkspace();
    await packageGenerator(tree, { name: 'colour-spaces', tensors: true });

    expect(readJson(tree, 'packages/colour-spaces/package.json')).toMatchObject({
      peerDependencies: { '@tensorflow/tfjs-core': '^4.22.0' },
    });
    expect(tree.read('packages/colour-spaces/jest.config.mjs', 'utf8')).toContain('tensorProject(');
    expect(tree.read('packages/colour-spaces/src/root-mean-square.ts', 'utf8')).toContain('tf.');
  });

  it('makes what the packages written by hand look like', async () => {
    const tree = emptyWorkspace();
    await packageGenerator(tree, { name: 'safetensors', layer: 'format' });

    for (const file of [
      'package.json',
      'tsconfig.json',
      'tsconfig.lib.json',
      'tsconfig.spec.json',
    ]) {
      const path = `packages/safetensors/${file}`;
      const existing = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
        version?: string;
        keywords?: string[];
      };
      const made = readJson<{ version?: string; description?: string; keywords?: string[] }>(
        tree,
        path,
      );
      // The only differences: what it is about, under which words it is found, and how often it was released.
      if (file === 'package.json') {
        delete made.description;
        expect(existing.keywords).toEqual(expect.arrayContaining(made.keywords!));
        delete made.keywords;
        made.version = existing.version!;
      }
      expect(existing).toMatchObject(made);
    }
  });

  it.each(['Colour', 'colour_spaces', '../colour', ''])('refuses the name "%s"', async (name) => {
    await expect(packageGenerator(emptyWorkspace(), { name })).rejects.toThrow('kebab-case');
  });

  it('refuses a name that is taken, and changes nothing', async () => {
    const tree = emptyWorkspace();
    tree.write('packages/colour-spaces/package.json', '{}');
    await expect(packageGenerator(tree, { name: 'colour-spaces' })).rejects.toThrow('exists');
    expect(tree.read('packages/colour-spaces/package.json', 'utf8')).toBe('{}');
  });
});
