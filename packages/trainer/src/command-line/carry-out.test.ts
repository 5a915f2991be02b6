/** In a process of its own, which is ended from inside. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { commandName } from '../terminal/command-name';

const MODULE = join(__dirname, 'carry-out.ts');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carry-out-'));
  for (const name of ['config.yaml', 'events.jsonl']) writeFileSync(join(folder, name), '\n');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function endedBy(work: string): { status: number | null; stderr: string } {
  const script = `
    const { carryOut } = await import(${JSON.stringify(MODULE)});
    const context = { output: { out: process.stdout, error: process.stderr } };
    const { signal } = new AbortController();
    process.exitCode = await carryOut(${JSON.stringify(folder)}, {}, context, signal, async () => {
      ${work}
    });`;
  return spawnSync(
    process.execPath,
    [...['-C', '@loop/source', '--import', 'tsx', '--input-type=module'], ...['--eval', script]],
    { encoding: 'utf8', cwd: __dirname },
  );
}

test('a run whose reward ends the process is no success, and can be gone on with', () => {
  const { status, stderr } = endedBy('process.exit(0);');
  expect(status).toBe(1);
  expect(stderr).toBe(
    `Something in the run, such as a reward, ended the process by process.exit; what was done since the last checkpoint is lost.\nTo go on: ${commandName()} resume ${folder}\n`,
  );
});

test('one that ends by itself is not spoken of', () => {
  expect(endedBy('return { interrupted: false };')).toMatchObject({ status: 0, stderr: '' });
  expect(endedBy('process.exit(130);')).toMatchObject({ status: 130, stderr: '' });
});
