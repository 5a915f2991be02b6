/** The kernels in worker threads, and how a process that has used them ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { canServe } from '../fixtures/installed-kernels';
import { runScript } from '../fixtures/run-script';

const describeKernels = canServe() || Boolean(process.env['CI']) ? describe : describe.skip;

const hashes = JSON.stringify(join(__dirname, '../fixtures/kernel-hashes.ts'));

/** Seconds that a process may take to end; an idle machine takes a tenth. */
const promptly = 10;

describeKernels('threads and processes', () => {
  it('workers have the same bits as the main thread, at the same time and after others have ended', () => {
    const found = runScript<string[]>(`
      import { Worker } from 'node:worker_threads';
      import { hashKernels } from ${hashes};
      const start = (rounds) =>
        new Worker(
          \`import('tsx/esm/api').then(({ register }) => {
            register();
            return import(\${JSON.stringify(${hashes})});
          })\`,
          { eval: true, workerData: rounds, execArgv: ['-C', '@loop/source'] },
        );
      const result = (worker) =>
        new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      const [first, second] = [start(3), start(3)];
      const results = [result(first), result(second), await hashKernels(3)];
      const found = await Promise.all(results);
      await Promise.all([first.terminate(), second.terminate()]);
      found.push(await hashKernels(1));
      const last = start(1);
      found.push(await result(last));
      report(found);`);
    expect(found).toHaveLength(5);
    expect(new Set(found).size).toBe(1);
    expect(found[0]).toMatch(/^avx\w+ [0-9a-f]{64}$/);
  });

  /** A process that has used the kernels on all threads; it says so on standard output, and then does what the script says. */
  async function useKernels(script: string): Promise<{ child: ChildProcess; said: number }> {
    const module = `
      import { hashKernels } from ${hashes};
      await hashKernels(1);
      console.log('used');
      ${script}`;
    const child = spawn(
      process.execPath,
      ['-C', '@loop/source', '--import', 'tsx', '--input-type=module', '--eval', module],
      {
        cwd: join(__dirname, '../..'),
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, OMP_NUM_THREADS: '4' },
      },
    );
    await once(child.stdout, 'data');
    return { child, said: Date.now() };
  }

  it('a process that is done ends by itself', async () => {
    const { child, said } = await useKernels('');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect((Date.now() - said) / 1000).toBeLessThan(promptly);
  });

  it('Ctrl-C ends one that is at work', async () => {
    const { child } = await useKernels('for (;;) await hashKernels(1);');
    const interrupted = Date.now();
    child.kill('SIGINT');
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(signal).toBe('SIGINT');
    expect((Date.now() - interrupted) / 1000).toBeLessThan(promptly);
  });
});
