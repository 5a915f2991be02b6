import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { HubError } from './hub-error';
import { hubSettings } from './settings';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const cacheFolder = (environment: Record<string, string>) =>
  hubSettings({ HF_TOKEN: 'x', ...environment }).cacheFolder;

test('the cache is where Python has it', () => {
  const home = join(homedir(), '.cache', 'huggingface', 'hub');
  expect(cacheFolder({})).toBe(home);
  expect(cacheFolder({ HF_HOME: '', HF_HUB_CACHE: '' })).toBe(home);
  expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/huggingface/hub');
  expect(cacheFolder({ XDG_CACHE_HOME: '/x', HF_HOME: '/h' })).toBe('/h/hub');
  expect(cacheFolder({ HF_HOME: '/h', HUGGINGFACE_HUB_CACHE: '/old' })).toBe('/old');
  expect(cacheFolder({ HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' })).toBe('/new');
  expect(cacheFolder({ HF_HUB_CACHE: '~/models' })).toBe(`${homedir()}/models`);
  expect(cacheFolder({ HF_HOME: '$DISK/${USER}/$NONE', DISK: '/d', USER: 'u' })).toBe(
    '/d/u/$NONE/hub',
  );
});

test('the endpoint', () => {
  const endpoint = (text: string) => hubSettings({ HF_TOKEN: 'x', HF_ENDPOINT: text }).endpoint;
  expect(endpoint('')).toBe('https://huggingface.co');
  expect(endpoint('http://127.0.0.1:8000/')).toBe('http://127.0.0.1:8000');
  expect(endpoint('https://mirror.example/hub//')).toBe('https://mirror.example/hub');
  for (const text of ['mirror', 'ftp://a', 'https://user:secret@a', 'https://a/?x=1']) {
    expect(() => endpoint(text)).toThrow(HubError);
    expect(() => endpoint(text)).not.toThrow('secret');
  }
});

test('the token is from the environment, else from a file, else there is none', () => {
  const file = join(base, 'token');
  writeFileSync(file, 'hf_file\n');
  const tokenOf = (environment: Record<string, string>) => {
    const { token, tokenSource } = hubSettings({ HF_HOME: base, ...environment });
    return [token, tokenSource];
  };
  expect(tokenOf({ HF_TOKEN: ' hf_variable\n' })).toEqual(['hf_variable', 'HF_TOKEN']);
  expect(tokenOf({ HUGGING_FACE_HUB_TOKEN: 'hf_old' })).toEqual(['hf_old', 'HF_TOKEN']);
  expect(tokenOf({ HF_TOKEN: ' ' })).toEqual(['hf_file', `'${file}'`]);
  expect(tokenOf({ HF_TOKEN_PATH: join(base, 'none') })).toEqual([undefined, undefined]);
  expect(tokenOf({ HF_TOKEN: 'x', HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })).toEqual([
    undefined,
    undefined,
  ]);
  writeFileSync(file, ' \n');
  expect(tokenOf({})).toEqual([undefined, undefined]);
});

test('a token that no header takes is refused without being shown', () => {
  const settings = () => hubSettings({ HF_TOKEN: 'hf_secret\nhf_other' });
  expect(settings).toThrow('The token from HF_TOKEN holds letters that no token has');
  expect(settings).not.toThrow('secret');
});

test('a token file that cannot be read is named', () => {
  expect(() => hubSettings({ HF_TOKEN_PATH: base })).toThrow(`Cannot read the token '${base}'`);
});

test.each([
  ['1', true],
  ['true', true],
  ['YES', true],
  ['0', false],
  ['', false],
])('HF_HUB_OFFLINE=%s', (value, offline) => {
  expect(hubSettings({ HF_TOKEN: 'x', HF_HUB_OFFLINE: value }).offline).toBe(offline);
  expect(hubSettings({ HF_TOKEN: 'x', TRANSFORMERS_OFFLINE: value }).offline).toBe(offline);
});
