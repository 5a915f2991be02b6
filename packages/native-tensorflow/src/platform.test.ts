import { unsupportedPlatform } from './platform';

const linux = { os: 'linux', arch: 'x64', glibc: '2.36' };

it.each([
  ['this kind of machine', linux, null],
  ['the oldest C library', { ...linux, glibc: '2.27' }, null],
  ['an older C library', { ...linux, glibc: '2.26' }, 'this one has glibc 2.26'],
  ['Alpine', { ...linux, glibc: null }, 'musl'],
  ['an ARM machine', { ...linux, arch: 'arm64' }, 'this is linux on arm64'],
  ['a Mac', { os: 'darwin', arch: 'arm64', glibc: null }, 'this is darwin on arm64'],
  ['Windows', { os: 'win32', arch: 'x64', glibc: null }, 'this is win32 on x64'],
])('%s', (_name, platform, expected) => {
  const problem = unsupportedPlatform(platform);
  if (expected === null) expect(problem).toBeNull();
  else expect(problem).toContain(expected);
});
