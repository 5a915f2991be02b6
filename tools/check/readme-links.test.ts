/** READMEs of packages are also read on npm, where the rest of the repository is not. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { publicPackages } from './workspace';

it.each(publicPackages().map(({ folder, manifest }) => [manifest.name, folder]))(
  'the links of %s lead to what is published with it, or are whole addresses',
  (_, folder) => {
    const text = readFileSync(join(folder, 'README.md'), 'utf8');
    const targets = [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map(([, target = '']) => target);
    const paths = targets.filter((target) => !/^[a-z]+:/.test(target));
    expect(
      paths.filter((path) => path.startsWith('..') || !existsSync(join(folder, path))),
    ).toEqual([]);
  },
);
