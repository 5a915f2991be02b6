/** In a process of its own, for a test runner handles such errors itself. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const MODULE = join(__dirname, 'stray-errors.ts');

function outputOf(code: string): string {
  const script = `
    const { listenForStrayErrors } = await import(${JSON.stringify(MODULE)});
    await new Promise((resolve) => {
      const release = listenForStrayErrors((error) => {
        console.log(error.message);
        release();
        resolve();
      });
      ${code}
    });
    console.log('the end is reached');
  `;
  return execFileSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { encoding: 'utf8', cwd: __dirname },
  );
}

test.each([
  ["Promise.reject(new Error('forgotten await'));", 'forgotten await'],
  ["setTimeout(() => { throw new Error('late'); });", 'late'],
  ['/* Nothing is left to do. */', 'Nothing is left that could go on'],
])('%s is told, and the process lives on', (code, message) => {
  const [first, second] = outputOf(code).trim().split('\n');
  expect(first).toContain(message);
  expect(second).toBe('the end is reached');
});
