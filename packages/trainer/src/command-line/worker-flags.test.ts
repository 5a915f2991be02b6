import { captureOutput } from '../testing/captured-output';
import { runCommandLine } from './run-command-line';
import { commandOfWorkers } from './worker-flags';

const before = process.env['TF_CONFIG'];
afterEach(() => {
  if (before === undefined) delete process.env['TF_CONFIG'];
  else process.env['TF_CONFIG'] = before;
});

async function run(...argv: string[]) {
  const output = captureOutput();
  const code = await runCommandLine(argv, { output });
  return { code, error: output.errorText() };
}

function beWorker(index: number, text?: string): void {
  const worker = ['127.0.0.1:4001', '127.0.0.1:4002'];
  process.env['TF_CONFIG'] =
    text ?? JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } });
}

test.each([
  ['0', 'It must be a whole number from 1 to 256.'],
  ['two', 'It must be a whole number from 1 to 256.'],
])('--workers %s is refused', async (count, told) => {
  const { code, error } = await run('train', '--workers', count);
  expect(code).toBe(2);
  expect(error).toContain(told);
});

test('a worker starts no workers', async () => {
  beWorker(1);
  const drawing = ['--model', 'shapes', '--out', 'none'];
  for (const command of [
    ['train'],
    ['resume', 'no-run'],
    ['sample', ...drawing, '--prompt', 'a'],
    ['evaluate', ...drawing, '--prompts', 'shapes', '--reward', 'shapes'],
  ]) {
    expect(await run(...command, '--workers', '2')).toEqual({
      code: 2,
      error:
        'This process is worker 1 of 2, as TF_CONFIG or srun says, and starts none by --workers.\n',
    });
  }
});

test.each([
  ['study', ['none.yaml']],
  ['search', ['none.yaml']],
  ['gradient-variance', ['none']],
])('%s is not for several', async (command, rest) => {
  beWorker(0);
  const { code, error } = await run(command, ...rest);
  expect(code).toBe(2);
  expect(error).toBe(
    `This process is worker 0 of 2, as TF_CONFIG or srun says, and ${command} is carried out by one process; train, resume, sample and evaluate share their work out.\n`,
  );
});

test('a TF_CONFIG that is none, or that has no place for the worker, is one sentence', async () => {
  beWorker(0, '{"cluster');
  const unread = await run('train');
  expect(unread.code).toBe(1);
  expect(unread.error).toMatch(/^TF_CONFIG is not JSON: .*\n$/);
  beWorker(7);
  expect(await run('train')).toEqual({
    code: 1,
    error:
      'TF_CONFIG says that this process is worker 7, and its cluster has 2 of that type, counted from 0.\n',
  });
});

test('each worker of a machine has the command without the flag', () => {
  expect(commandOfWorkers(['sample', '--workers', '2', '--out', 'a'])).toEqual([
    'sample',
    '--out',
    'a',
  ]);
  expect(commandOfWorkers(['sample', '--workers=2', '--prompt', '2'])).toEqual([
    'sample',
    '--prompt',
    '2',
  ]);
});
