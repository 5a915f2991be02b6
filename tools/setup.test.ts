import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { dependenciesMatchLock, nativeLibraryProblem, nodeProblem } from './setup.mjs';

const wanted = {
  '': {},
  'packages/a': { version: '0.0.0' },
  'node_modules/one': { version: '1.0.0', integrity: 'sha512-one' },
  'node_modules/other-platform': { version: '1.0.0', integrity: 'sha512-other', optional: true },
};

describe('dependenciesMatchLock', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-setup-'));
    mkdirSync(join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function install(packages: unknown, text = JSON.stringify({ packages })): void {
    writeFileSync(join(folder, 'node_modules', '.package-lock.json'), text);
  }

  it('is content with what the lock file names, whatever was left out for other platforms', () => {
    install({ 'node_modules/one': wanted['node_modules/one'] });
    expect(dependenciesMatchLock(folder)).toBe(true);
  });

  it.each([
    ['a missing package', {}],
    ['another version', { 'node_modules/one': { version: '1.0.1', integrity: 'sha512-one' } }],
    ['other contents', { 'node_modules/one': { version: '1.0.0', integrity: 'sha512-two' } }],
  ])('notices %s', (_, packages) => {
    install(packages);
    expect(dependenciesMatchLock(folder)).toBe(false);
  });

  it('takes an interrupted installation for none', () => {
    expect(dependenciesMatchLock(folder)).toBe(false);
    install({}, '{"packages": {"node_mod');
    expect(dependenciesMatchLock(folder)).toBe(false);
  });
});

describe('nativeLibraryProblem', () => {
  it.each([
    [0, 'true'],
    [1, undefined],
    [1, ''],
    [1, 'false'],
  ])('is content with exit status %s where CI is %s', (status, CI) => {
    expect(nativeLibraryProblem(status, { CI })).toBeNull();
  });

  it.each(['true', '1'])('ends the set-up without the library where CI is %s', (CI) => {
    expect(nativeLibraryProblem(1, { CI })).toContain('could not be installed');
  });
});

describe('nodeProblem', () => {
  it.each(['20.3.0', '20.20.2', '22.0.0'])('is content with Node %s', (version) => {
    expect(nodeProblem(version, '>=20.3')).toBeNull();
  });

  it.each(['20.2.1', '18.20.0'])('refuses Node %s, and says what is needed', (version) => {
    expect(nodeProblem(version, '>=20.3')).toBe(
      `Node ${version} is too old, 20.3 or later is needed.`,
    );
  });
});
