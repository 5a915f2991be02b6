import { HubError } from './hub-error';
import { checkHubReference, isCommit, isHubName, parseHubName } from './hub-name';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';

test.each([
  ['hf:owner/name', 'owner/name', 'main'],
  ['hf:stable-diffusion-v1-5/stable-diffusion-v1-5', 'stable-diffusion-v1-5/stable-diffusion-v1-5', 'main'],
  ['hf:o/n_1.5@fp16', 'o/n_1.5', 'fp16'],
  ['hf:o/n@v1.0+cpu', 'o/n', 'v1.0+cpu'],
  ['hf:o/n@feature/x', 'o/n', 'feature/x'],
  ['hf:o/n@refs/pr/12', 'o/n', 'refs/pr/12'],
  [`hf:o/n@${COMMIT}`, 'o/n', COMMIT],
])('%s', (text, name, revision) => {
  const parsed = { text, type: 'model', repository: name, revision };
  expect(parseHubName(text)).toEqual(parsed);
  expect(checkHubReference({ repository: name, revision })).toEqual(parsed);
}); // prettier-ignore

test.each([
  'hf:',
  'hf:name',
  'hf:/name',
  'hf:owner/',
  'hf:a/b/c',
  'hf:../b',
  'hf:a/..',
  'hf:a/.b',
  'hf:a/-b',
  'hf:a/b-',
  'hf:a/b--c',
  'hf:a/b..c',
  'hf:a/b.git',
  'hf:a\\b/c',
  'hf:a/b c',
  'hf:a/b\0',
  'hf:a/b?x=1',
  'hf:a/b#x',
  'hf:a%2f/b',
  `hf:a/${'b'.repeat(95)}`,
])('refuses the name %j', (text) => {
  expect(() => parseHubName(text)).toThrow(HubError);
  expect(() => parseHubName(text)).toThrow('expected hf:owner/name or hf:owner/name@revision');
});

test.each([
  'hf:a/b@',
  'hf:a/b@..',
  'hf:a/b@../c',
  'hf:a/b@x/../../y',
  'hf:a/b@/x',
  'hf:a/b@x/',
  'hf:a/b@x//y',
  'hf:a/b@.x',
  'hf:a/b@-x',
  'hf:a/b@x..y',
  'hf:a/b@x.lock',
  'hf:a/b@x\\y',
  'hf:a/b@x y',
  'hf:a/b@x@y',
  'hf:a/b@x\0',
  'hf:a/b@x?y',
  'hf:a/b@x\n',
  `hf:a/b@${'x'.repeat(201)}`,
])('refuses the revision of %j', (text) => {
  expect(() => parseHubName(text)).toThrow(HubError);
  expect(() => parseHubName(text)).toThrow('expected a branch, a tag');
});

test('only 40 lower-case digits are a commit', () => {
  expect(isCommit(COMMIT)).toBe(true);
  expect(isCommit(COMMIT.slice(1))).toBe(false);
  expect(isCommit(COMMIT.toUpperCase())).toBe(false);
  expect(isCommit(`${COMMIT}\n`)).toBe(false);
});

test('a dataset', () => {
  const parsed = { type: 'dataset', repository: 'o/n', revision: 'v2' };
  expect(parseHubName('hf:datasets/o/n@v2')).toEqual({ text: 'hf:datasets/o/n@v2', ...parsed });
  expect(checkHubReference({ repository: 'o/n', type: 'dataset' })).toEqual({
    text: 'hf:datasets/o/n',
    ...parsed,
    revision: 'main',
  });
  // Of an owner of that name.
  expect(parseHubName('hf:datasets/n')).toMatchObject({ type: 'model', repository: 'datasets/n' });
  expect(() => parseHubName('hf:datasets/o/n/m')).toThrow('names nothing on the hub');
});

test('parts that are given by themselves are checked too', () => {
  for (const repository of ['../x', 'name', 'a/b/c', 'hf:a/b', '/etc', '']) {
    expect(() => checkHubReference({ repository })).toThrow('expected owner/name');
  }
  expect(() => checkHubReference({ repository: 'a/b', revision: '../c' })).toThrow(HubError);
});

test('a path is none', () => {
  expect(['hf:o/n', 'hf:', 'models/hf:', './x', 'shapes'].map(isHubName)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});
