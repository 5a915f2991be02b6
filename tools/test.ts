/**
 * All checks of the workspace, as `npm test` and continuous integration run them. The last line is
 * `N passed, N failed`: every jest test counts, and each other step counts as one.
 *
 *   npm test                    everything
 *   npm test -- lint unit       some steps
 *   npm test -- coverage        the tests again, with how much of the sources they reach
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { checkPacks } from './check/pack';
import { commandScript, runNode } from './check/workspace';

interface Count {
  readonly passed: number;
  readonly failed: number;
}

/** Said beside the steps' results. */
const notes: string[] = [];

const onContinuousIntegration = Boolean(process.env['CI']);

async function nx(...args: string[]): Promise<Count> {
  const { status } = await runNode(commandScript('nx', 'nx'), args, {
    show: true,
    environment: { NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
  });
  return one(status === 0);
}

async function nxForAll(target: string): Promise<Count> {
  const cache = onContinuousIntegration ? ['--skip-nx-cache'] : [];
  return nx('run-many', '-t', target, '--parallel=2', '--output-style=static', ...cache);
}

function one(passed: boolean): Count {
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1 };
}

interface UnitTestOptions {
  /** Of jest; the workspace's own without it. */
  readonly config?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What they reach, which takes more than twice as long. */
  readonly measure?: boolean;
}

/** Every package's tests in one run, so that two workers share all the work. */
async function unitTests(options: UnitTestOptions = {}): Promise<Count> {
  const { config, environment, measure = false } = options;
  const folder = await mkdtemp(join(tmpdir(), 'loop-diffusion-test-'));
  try {
    const outputFile = join(folder, 'jest.json');
    const { status } = await runNode(
      commandScript('jest', 'jest'),
      [
        ...['--ci', '--maxWorkers=2', '--json', `--outputFile=${outputFile}`, '--silent'],
        ...(config === undefined ? [] : ['--config', config]),
        ...(measure
          ? ['--coverage', '--coverageReporters=json-summary', `--coverageDirectory=${folder}`]
          : []),
      ],
      { show: true, environment: { TF_CPP_MIN_LOG_LEVEL: '3', ...environment } },
    );
    const summary = JSON.parse(await readFile(outputFile, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
      numRuntimeErrorTestSuites: number;
    };
    if (measure) notes.push(await coverageIn(join(folder, 'coverage-summary.json')));
    const failed = summary.numFailedTests + summary.numRuntimeErrorTestSuites;
    // jest can also fail as a whole, with every test passed.
    return { passed: summary.numPassedTests, failed: status !== 0 && failed === 0 ? 1 : failed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A figure to watch, not a threshold to meet. */
async function coverageIn(file: string): Promise<string> {
  const { total } = JSON.parse(await readFile(file, 'utf8')) as {
    total: Record<'lines' | 'branches' | 'functions', { pct: number }>;
  };
  const { lines, branches, functions } = total;
  return `coverage   ${lines.pct} % of lines, ${branches.pct} % of branches, ${functions.pct} % of functions`;
}

async function packs(): Promise<Count> {
  const reports = await checkPacks();
  const failed = reports.filter(({ problems }) => problems.length > 0).length;
  return { passed: reports.length - failed, failed };
}

const steps: Readonly<Record<string, () => Promise<Count>>> = {
  sync: () => nx('sync:check'),
  format: async () => {
    const prettier = commandScript('prettier', 'prettier');
    const { status } = await runNode(prettier, ['--check', '.'], { show: true });
    return one(status === 0);
  },
  lint: () => nxForAll('lint'),
  typecheck: () => nxForAll('typecheck'),
  build: () => nxForAll('build'),
  unit: () => unitTests(),
  // The models' layers as they are composed where no kernels for them serve.
  composed: () =>
    unitTests({
      config: 'packages/diffusion-models/jest.config.mjs',
      environment: { LOOP_DIFFUSION_KERNELS: 'off' },
    }),
  pack: packs,
};

/** Those that only who names them gets. */
const others: Readonly<Record<string, () => Promise<Count>>> = {
  coverage: () => unitTests({ measure: true }),
};

const asked = process.argv.slice(2);
const all = { ...steps, ...others };
const unknown = asked.filter((name) => !(name in all));
if (unknown.length > 0) {
  console.error(`No step ${unknown.join(', ')}; there are ${Object.keys(all).join(', ')}.`);
  process.exit(2);
}

const lines: string[] = [];
const total = { passed: 0, failed: 0 };
for (const [name, step] of Object.entries(asked.length > 0 ? all : steps)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.log(`\n── ${name}`);
  const started = Date.now();
  const count = await step().catch((error: unknown) => {
    console.error(error);
    return one(false);
  });
  total.passed += count.passed;
  total.failed += count.failed;
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  lines.push(`${name.padEnd(10)} ${count.passed} passed, ${count.failed} failed (${seconds} s)`);
}

console.log(`\n${[...lines, ...notes].join('\n')}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
console.log(`${total.passed} passed, ${total.failed} failed`);
