import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeEnvironment } from './environment';

test('names versions, and the state of the repository', () => {
  const folder = mkdtempSync(join(tmpdir(), 'environment-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: folder,
      encoding: 'utf8',
    });
  try {
    expect(describeEnvironment(folder).git).toBeUndefined();
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '-m', 'first');
    const commit = git('rev-parse', 'HEAD').trim();
    const { versions, git: state } = describeEnvironment(folder);
    expect(versions['node']).toBe(process.versions.node);
    expect(versions['@tensorflow/tfjs-core']).toMatch(/^\d+\.\d+\.\d+/);
    expect(state).toEqual({ commit, changed: false });
    writeFileSync(join(folder, 'new.txt'), '');
    expect(describeEnvironment(folder).git).toEqual({ commit, changed: true });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
