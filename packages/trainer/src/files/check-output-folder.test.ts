import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { UserError } from '../user-error';
import { checkOutputFolder } from './check-output-folder';

test('takes a folder that is empty or not there yet, and no other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  try {
    checkOutputFolder(folder);
    checkOutputFolder(join(folder, 'new'));
    writeFileSync(join(folder, 'file'), '');
    expect(() => checkOutputFolder(folder)).toThrow(UserError);
    expect(() => checkOutputFolder(folder)).toThrow('not empty; name another with --out');
    expect(() => checkOutputFolder(join(folder, 'file'))).toThrow('is a file');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
