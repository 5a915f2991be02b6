import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCompiler } from './compiler';
import { describePipError, fetchWheel, findPython } from './download';
import { makeTensorflowWheel } from './fixtures/make-zip';
import type { Wheel } from './wheels';

let scratch: string;
let wheel: Wheel;
let savedEnvironment: NodeJS.ProcessEnv;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'native-tensorflow-'));
  mkdirSync(join(scratch, 'wheels'));
  wheel = makeTensorflowWheel(join(scratch, 'wheels'));
  savedEnvironment = { ...process.env };
});

afterEach(() => {
  process.env = savedEnvironment;
  rmSync(scratch, { recursive: true, force: true });
});

/** A `python3` that answers as the given shell lines do. */
function pretendPython(lines: string): void {
  const path = join(scratch, 'python3');
  writeFileSync(path, `#!/bin/sh\n[ "$3" = --version ] && exit 0\n${lines}\n`);
  chmodSync(path, 0o755);
  process.env['LOOP_DIFFUSION_PYTHON'] = path;
}

const fetch = () => fetchWheel(wheel, join(scratch, 'download'), () => undefined);

describe('what is needed and missing is said in one sentence', () => {
  it('Python', async () => {
    process.env['PATH'] = scratch;
    await expect(findPython()).rejects.toMatchObject({
      kind: 'python',
      message: expect.stringContaining('Python 3 was not found') as string,
    });
  });

  it('pip', async () => {
    writeFileSync(join(scratch, 'python3'), '#!/bin/sh\nexit 1\n');
    chmodSync(join(scratch, 'python3'), 0o755);
    process.env['PATH'] = scratch;
    await expect(findPython()).rejects.toThrow('python3 has no pip');
  });

  it('a compiler', async () => {
    process.env['PATH'] = scratch;
    delete process.env['CXX'];
    await expect(findCompiler()).rejects.toMatchObject({
      kind: 'compiler',
      message: expect.stringContaining('install g++') as string,
    });
  });
});

describe('fetching', () => {
  it('asks pip for the pinned version and checks what came', async () => {
    pretendPython(`echo "$@" > ${scratch}/asked; cp ${scratch}/wheels/*.whl ${scratch}/download`);
    await expect(fetch()).resolves.toBe(join(scratch, 'download', wheel.file));
    const asked = readFileSync(join(scratch, 'asked'), 'utf8');
    expect(asked).toContain('pip download tensorflow-cpu==2.21.0 --no-deps');
    expect(asked).toContain('--platform manylinux_2_27_x86_64');
  });

  it('notices other bytes', async () => {
    pretendPython(`printf '%${wheel.size.toString()}s' x > ${scratch}/download/${wheel.file}`);
    await expect(fetch()).rejects.toMatchObject({
      kind: 'hash',
      message: expect.stringContaining(wheel.sha256) as string,
    });
  });

  it('notices that nothing came', async () => {
    pretendPython('exit 0');
    await expect(fetch()).rejects.toThrow(`pip fetched another file than ${wheel.file}`);
  });

  it('takes a wheel from $LOOP_DIFFUSION_WHEELS without Python', async () => {
    process.env['PATH'] = scratch;
    process.env['LOOP_DIFFUSION_WHEELS'] = join(scratch, 'wheels');
    await expect(fetch()).resolves.toBe(join(scratch, 'download', wheel.file));
  });

  it('tells why pip failed', async () => {
    pretendPython('echo "ERROR: No matching distribution found for tensorflow-cpu" >&2; exit 1');
    await expect(fetch()).rejects.toMatchObject({
      kind: 'network',
      message: expect.stringContaining('pip config list') as string,
    });
  });
});

it.each([
  [
    'network',
    "Retrying … NewConnectionError('<…>: Failed to establish a new connection",
    'does not reach',
  ],
  ['network', 'socket.gaierror: Temporary failure in name resolution', 'does not reach'],
  [
    'network',
    'ERROR: No matching distribution found for tensorflow-cpu==2.21.0',
    'does not have it',
  ],
  ['disk', 'OSError: [Errno 28] No space left on device', 'The disk is full'],
  ['hash', 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES', 'arrived damaged'],
  ['network', 'ERROR: something new', 'something new'],
])('pip: %s error from "%s"', (kind, errors, expected) => {
  const error = describePipError(wheel, {
    code: 1,
    output: '',
    errors,
    problem: undefined,
    signal: null,
  });
  expect(error.kind).toBe(kind);
  expect(error.message).toContain(expected);
  expect(error.message).not.toContain('\n');
});
