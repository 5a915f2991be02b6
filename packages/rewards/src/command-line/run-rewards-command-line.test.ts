import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { numberedImage } from '../protocol/testing/example-images';
import { remoteReward } from '../remote/remote-reward';
import { runRewardsCommandLine } from './run-rewards-command-line';

const TOKEN = 'a-token-of-20-chars!';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-rewards-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Runs a command until it has written a line, and a little more: then it is told to end. */
async function run(...argv: string[]) {
  const controller = new AbortController();
  let out = '';
  let error = '';
  const code = await runRewardsCommandLine(argv, {
    writeOut: (text) => {
      out += text;
      controller.abort();
    },
    writeError: (text) => (error += text),
    signal: controller.signal,
    environment: { TOKEN, SHORT: 'short', EMPTY: '' },
  });
  return { code, out, error };
}

const JPEG = ['--reward', 'jpeg-compressibility'];

it('prints one line when it is ready', async () => {
  const plain = await run('serve', ...JPEG, '--port', '0');
  expect(plain).toEqual({
    code: 0,
    out: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\n$/),
    error: '',
  });
  const both = [...JPEG, '--reward', 'jpeg-incompressibility'];
  const json = await run('serve', ...both, '--port', '0', '--json', '--max-batch', '8');
  expect(JSON.parse(json.out)).toEqual({
    url: expect.stringMatching(/^http:/),
    rewards: ['jpeg-compressibility', 'jpeg-incompressibility'],
  });
  expect(json.out.match(/\n/g)).toHaveLength(1);
});

it('marks in its help what it cannot do without', async () => {
  const { code, out } = await run('serve', '--help');
  expect(code).toBe(0);
  const required = out.replaceAll(/\s+/g, ' ');
  expect(required).toMatch(/--reward <name> [^-]*\(required\)/);
  expect(required).toMatch(/--port <n> [^-]*\(required\)/);
});

it.each<[string[], number, string]>([
  [[], 2, 'Usage: loop-rewards'],
  [['serve', '--port', '0'], 2, '--reward'],
  [['serve', ...JPEG], 2, "required option '--port <n>'"],
  [['serve', ...JPEG, '--port', '70000'], 2, 'a whole number from 0 to 65535'],
  [['serve', ...JPEG, '--port', '0', '--set', 'x.y=1'], 2, 'starts with no reward'],
  [['serve', ...JPEG, '--port', '0', '--token-env', 'EMPTY'], 2, 'EMPTY of --token-env is not set'],
  [['serve', ...JPEG, '--port', '0', '--token-env', 'SHORT'], 1, 'at least 16'],
  [['serve', ...JPEG, '--port', '0', '--host', '0.0.0.0'], 1, 'needs a token'],
  [['serve', '--reward', 'jpeg-compresibility', '--port', '0'], 1, 'jpeg-compressibility'],
  [['serve', '--reward', './none.mjs', '--port', '0'], 1, 'Reward "./none.mjs" cannot be loaded'],
  [['serve', '--reward', '@no/package#it', '--port', '0'], 1, 'Reward "@no/package#it" cannot be'],
])('says what is wrong: %j', async (argv, expectedCode, message) => {
  const { code, out, error } = await run(...argv);
  expect(code).toBe(expectedCode);
  expect(out).toBe('');
  expect(error).toContain(message);
  expect(error).not.toContain('    at ');
});

it('does not print its token', async () => {
  const { code, out, error } = await run('serve', ...JPEG, '--port', '0', '--token-env', 'TOKEN');
  expect(code).toBe(0);
  expect(out + error).not.toContain(TOKEN);
});

describe('as a process', () => {
  let child: ChildProcess | undefined;
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
  });

  const REWARD = `{ name: NAME, version: '1', range: [0, 9], batchSize: 4,
    score: async ({ images }) => images.map(() => ({ ok: true, value: VALUE })) }`;
  const reward = (name: string, value: string) =>
    REWARD.replace('NAME', `'${name}'`).replace('VALUE', value);

  it('serves rewards from modules and packages, and ends at SIGTERM', async () => {
    const of = (name: string) => join(folder, name);
    writeFileSync(of('value.mjs'), `export const one = ${reward('one', '1')};`);
    writeFileSync(
      of('function.mjs'),
      `export default async (settings) => (${reward('two', 'settings.value')});`,
    );
    writeFileSync(of('old.cjs'), `exports.three = () => (${reward('three', '3')});`);
    writeFileSync(of('none.mjs'), 'export const one = 1;');
    const source = pathToFileURL(join(__dirname, 'run-rewards-command-line.ts')).href;
    const root = join(__dirname, '..', '..', '..', '..');
    const start = (...argv: string[]) => {
      const program = `import(${JSON.stringify(source)}).then(async (m) => {
        const { runRewardsCommandLine } = m.runRewardsCommandLine ? m : m.default;
        process.exitCode = await runRewardsCommandLine(${JSON.stringify(argv)});
      });`;
      const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href;
      return spawn(process.execPath, ['-C', '@loop/source', '--import', tsx, '-e', program], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_OPTIONS: '' },
      });
    };
    const names = [
      './value.mjs#one',
      './function.mjs',
      './old.cjs#three',
      '@loop-diffusion/shapes-benchmark#shapesReward',
    ];
    child = start(
      'serve',
      ...names.flatMap((name) => ['--reward', name]),
      ...['--set', './function.mjs.value=2', '--port', '0', '--json'],
    );
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [line] = (await Promise.race([
      once(createInterface({ input: child.stdout! }), 'line'),
      once(child, 'exit').then(() => Promise.reject(new Error(errors))),
    ])) as [string];
    const { url, rewards } = JSON.parse(line) as { url: string; rewards: string[] };
    expect(rewards).toEqual(['one', 'two', 'three', 'shapes']);
    for (const [index, name] of ['one', 'two', 'three'].entries()) {
      const remote = await remoteReward({ url, name });
      const batch = { images: [numberedImage(0)], prompts: [''] };
      expect(await remote.score(batch)).toEqual([{ ok: true, value: index + 1 }]);
    }
    expect(await remoteReward({ url, name: 'shapes' })).toMatchObject({ range: [0, 1] });
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(errors).toBe('');

    child = start('serve', '--reward', './none.mjs#one', '--port', '0');
    child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(errors).toContain(
      'its export is 1; expected a reward, a function ({ images, prompts }) => numbers',
    );
  });
});
