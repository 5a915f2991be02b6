import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import { defaultsOfClass } from '../configuration/model-defaults';
import { captureOutput } from '../testing/captured-output';
import { writePublishedConfig } from '../testing/published-config';
import { runCommandLine } from './run-command-line';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

async function init(...argv: string[]) {
  const output = captureOutput();
  const code = await runCommandLine(['init', ...argv], { output });
  return { code, out: output.outText(), error: output.errorText() };
}

test('writes the defaults into a file, with a schema for editors', async () => {
  const file = join(base, 'configs', 'mine.yaml');
  const { code, out } = await init(file);
  expect(code).toBe(0);
  expect(out).toContain(`loop-diffusion train ${file}`);
  expect(resolveConfig(await readConfigFile(file))).toEqual(resolveConfig(undefined));
  expect(readFileSync(file, 'utf8')).toMatch(
    /^# yaml-language-server: \$schema=\S+config\.schema\.json\n/,
  );
});

test('--json names the file and --quiet says nothing', async () => {
  const file = join(base, 'a.yaml');
  expect(JSON.parse((await init(file, '--json')).out)).toEqual({ file });
  expect((await init(join(base, 'b.yaml'), '--quiet')).out).toBe('');
});

test('never overwrites', async () => {
  const file = join(base, 'mine.yaml');
  writeFileSync(file, 'precious');
  const { code, out, error } = await init(file);
  expect(code).toBe(1);
  expect(out).toBe('');
  expect(error).toContain('never overwritten');
  expect(readFileSync(file, 'utf8')).toBe('precious');
  expect((await init(base)).code).toBe(1);
  expect(readdirSync(base)).toEqual(['mine.yaml']);
});

test("--model writes the model, and its own defaults in the embedded model's place", async () => {
  const model = writePublishedConfig(join(base, 'model'));
  const file = join(base, 'xl.yaml');
  expect((await init(file, '--model', model)).code).toBe(0);
  const { settings } = defaultsOfClass('sdxl');
  expect(resolveConfig(await readConfigFile(file))).toEqual(resolveConfig({ model }, [], settings));
});
