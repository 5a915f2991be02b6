import { importPeers, resolvePeer } from './optional-peer';

const PACKAGES = ['no-such-library', 'no-such-model'];
const SENTENCE =
  'Reward "ocr" needs no-such-library and no-such-model: npm install no-such-library no-such-model';

it('hands on what was loaded', async () => {
  await expect(importPeers('ocr', PACKAGES, () => Promise.resolve(7))).resolves.toBe(7);
});

it('says what to install for a library that is not there', async () => {
  const name = 'no-such-library';
  const load = () => import(name) as Promise<unknown>;
  await expect(importPeers('ocr', PACKAGES, load)).rejects.toThrow(SENTENCE);
});

it('says what to install for a file that is not there', () => {
  expect(() => resolvePeer('ocr', PACKAGES, 'no-such-model/package.json')).toThrow(SENTENCE);
});

it('leaves an error of a library that is there as it is', async () => {
  const broken = new Error('wrong ELF class');
  await expect(importPeers('ocr', PACKAGES, () => Promise.reject(broken))).rejects.toBe(broken);
});
