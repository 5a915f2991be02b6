import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { claimPartialFile } from './partial-file';

let folder: string;
let blob: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  blob = join(folder, 'abc');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** What a process of this machine would have left. */
async function leftBy(pid: number | string, text: string): Promise<string> {
  const partial = await claimPartialFile(blob);
  const path = partial?.path ?? '';
  partial?.release();
  const other = path.replace(`-${String(process.pid)}-`, `-${String(pid)}-`).replace(/.{8}(?=\.incomplete$)/, '00000000');
  renameSync(path, other);
  writeFileSync(other, text);
  return other;
} // prettier-ignore

/** Of Linux at most 2^22. */
const NO_PROCESS = 99_999_999;

test('one at a time in this process', async () => {
  const first = await claimPartialFile(blob);
  expect(await claimPartialFile(blob)).toBeUndefined();
  expect(await claimPartialFile(join(folder, 'ab'))).toBeDefined();
  writeFileSync(first?.path ?? '', 'kept');
  first?.release();
  const second = await claimPartialFile(blob);
  expect(readFileSync(second?.path ?? '', 'utf8')).toBe('kept');
  second?.release();
});

test.each([NO_PROCESS, process.pid])('takes over what process %i has left', async (pid) => {
  const left = await leftBy(pid, 'half');
  const partial = await claimPartialFile(blob);
  expect(existsSync(left)).toBe(false);
  expect(readFileSync(partial?.path ?? '', 'utf8')).toBe('half');
  partial?.release();
});

test('waits for a process that runs, unless it has not written for long', async () => {
  const used = await leftBy(process.ppid, 'half');
  expect(await claimPartialFile(blob)).toBeUndefined();
  utimesSync(used, new Date(0), new Date(0));
  const partial = await claimPartialFile(blob);
  expect(readFileSync(partial?.path ?? '', 'utf8')).toBe('half');
  partial?.release();
});

test("leaves Python's and those of other blobs alone", async () => {
  const others = ['abc.incomplete', 'abcd.00000000-1-00000000.incomplete', 'abc'];
  for (const name of others) writeFileSync(join(folder, name), name);
  const partial = await claimPartialFile(blob);
  expect(readdirSync(folder).sort()).toEqual([...others, basename(partial?.path ?? '')].sort());
  partial?.release();
});
