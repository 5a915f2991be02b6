import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { captureOutput } from '../testing/captured-output';
import { exampleEvaluation, exampleIteration, exampleSummary } from '../testing/example-run';
import { nothingDrawn } from '../testing/nothing-drawn';
import { UserError } from '../user-error';
import { commandName } from '../terminal/command-name';
import type { Core } from './core';
import { runCommandLine } from './run-command-line';

// Vega cannot be loaded in jest; what it draws has a test of its own.
jest.mock('../tracking/curves', () => ({
  renderCurves: () => Promise.resolve(new Uint8Array([1, 2, 3])),
}));

let base: string;
let model: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'loop-diffusion-'));
  model = join(base, 'model');
  mkdirSync(model);
  writeFileSync(join(model, 'model_index.json'), '{}');
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const train: Core['train'] = async (_config, recorder) => {
  await recorder.iteration(exampleIteration(1), nothingDrawn);
  await recorder.finish(exampleSummary());
  return exampleSummary();
};

async function run(argv: readonly string[], core: Partial<Core> = {}) {
  const output = captureOutput();
  const exits: number[] = [];
  const code = await runCommandLine(argv, {
    output,
    exit: (exitCode) => exits.push(exitCode),
    loadCore: () =>
      Promise.resolve({
        train,
        sampleImages: () => Promise.reject(new Error('not expected')),
        evaluateModel: () => Promise.reject(new Error('not expected')),
        measureBatches: () => Promise.reject(new Error('not expected')),
        gradientVariance: () => Promise.reject(new Error('not expected')),
        ...core,
      }),
  });
  return { code, out: output.outText(), error: output.errorText(), exits };
}

function trainArguments(...more: string[]): string[] {
  return ['train', '--set', `model=${model}`, '--set', `output=${join(base, 'run')}`, ...more];
}

describe('wrong usage ends with 2 and a sentence on stderr', () => {
  test.each([
    [['fly']],
    [['train', '--fast']],
    [['train', 'a.yaml', 'b.yaml']],
    [['train', '--set', 'seed']],
    [['train', '--name', '../x']],
    [['train', '--backend', 'abacus']],
    [['sample', '--model', 'shapes', '--prompt', 'x']],
    [['sample', '--model', 'shapes', '--out', 'x']],
    [['sample', '--model', 'shapes', '--prompt', 'x', '--out', 'x', '--steps', '0']],
    [['sample', '--model', 'shapes', '--prompt', 'x', '--out', 'x', '--eta', '2']],
    [['sample', '--model', 'shapes', '--prompt', 'x', '--out', 'x', '--seed', '']],
    [[...'sample --model shapes --prompt x --out x --scheduler lms'.split(' ')]],
    [[...'sample --model shapes --prompt x --out x --scheduler euler --eta 0'.split(' ')]],
    [[...'sample --model shapes --prompt x --out x --scheduler euler --noise x'.split(' ')]],
    [['evaluate', '--model', 'shapes']],
  ])('%j', async (argv) => {
    const { code, out, error } = await run(argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(error).not.toBe('');
    expect(error).not.toMatch(/ at .*\.ts/);
  });
});

describe('help', () => {
  test('lists the commands', async () => {
    const { code, out } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of ['train', 'resume', 'sample', 'evaluate', 'compare', 'init', 'doctor']) {
      expect(out).toContain(command);
    }
  });

  test('of train lists every key with its default', async () => {
    const { out } = await run(['train', '--help']);
    expect(out).toContain('optimizer.learningRate = ');
    expect(out).toContain('rewards[].weight = 1');
  });

  test('--version', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('train', () => {
  test('runs from a file and flags into its folder', async () => {
    const file = join(base, 'config.yaml');
    writeFileSync(file, `model: ${model}\noutput: ${join(base, 'run')}\nseed: 3\niterations: 5\n`);
    let seen: unknown;
    const { code, out, error } = await run(
      ['train', file, '--set', 'iterations=6', '--backend', 'cpu', '--quiet'],
      {
        train(config, recorder, signal) {
          seen = config;
          return train(config, recorder, signal);
        },
      },
    );
    expect(error).toBe('');
    expect(code).toBe(0);
    expect(seen).toMatchObject({ seed: 3, iterations: 6, backend: 'cpu' });
    expect(out).toContain('gain +0.152');
    expect(readdirSync(join(base, 'run')).sort()).toEqual([
      'config.yaml',
      'curves.png',
      'events.jsonl',
      'summary.json',
      'tensorboard',
    ]);
  });

  test("goes into a folder of the configuration's name, and the next time into the next one", async () => {
    const file = join(base, 'my-run.yaml');
    writeFileSync(file, `model: ${model}\n`);
    const before = process.cwd();
    process.chdir(base);
    try {
      const outputs: string[] = [];
      const core: Partial<Core> = {
        train: (config, ...rest) => {
          outputs.push(config.output);
          return train(config, ...rest);
        },
      };
      await run(['train', file, '--quiet'], core);
      await run(['train', file, '--quiet', '--set', 'seed=1'], core);
      await run(['train', '--quiet', '--set', `model=${model}`], core);
      expect(outputs).toEqual(['runs/my-run', 'runs/my-run-2', 'runs/model-loop']);
    } finally {
      process.chdir(before);
    }
  });

  test('--json puts JSON lines on the output and nothing else', async () => {
    const { code, out } = await run(trainArguments('--json', '--quiet'));
    expect(code).toBe(0);
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events).toEqual(['start', 'iteration', 'finish']);
  });

  test.each<[string, () => string[], string]>([
    ['an unknown key', () => ['--set', 'batch.promts=2'], "did you mean 'batch.prompts'"],
    ['k = 1', () => ['--set', 'algorithm.k=1'], 'at least 2'],
    ['steps 0', () => ['--set', 'sampler.steps=0'], 'sampler.steps is 0'],
    ['a model that does not exist', () => ['--set', `model=${base}/none`], 'does not exist'],
    ['a folder that is no model', () => ['--set', `model=${base}`], 'no model_index.json'],
    ['an unwritable output', () => ['--set', `output=${model}/model_index.json/x`], 'is a file'],
    ['an output with other files', () => ['--set', `output=${model}`], 'not empty'],
    ['a missing configuration', () => [join(base, 'none.yaml')], 'does not exist'],
  ])('%s ends with 1 and one line, and makes nothing', async (_, flags, message) => {
    const before = readdirSync(base, { recursive: true });
    const { code, out, error } = await run(trainArguments(...flags()));
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(error).toContain(message);
    expect(error.trimEnd()).not.toContain('\n');
    expect(readdirSync(base, { recursive: true })).toEqual(before);
  });

  test('a folder that already holds a run is left as it is', async () => {
    expect((await run(trainArguments('--quiet'))).code).toBe(0);
    const events = readFileSync(join(base, 'run', 'events.jsonl'), 'utf8');
    const { code, error } = await run(trainArguments('--quiet'));
    expect(code).toBe(1);
    expect(error).toContain('already holds a run');
    expect(readFileSync(join(base, 'run', 'events.jsonl'), 'utf8')).toBe(events);
  });

  test('a run that fails before its first record leaves no folder, so that it can be given again', async () => {
    const failing = () => Promise.reject(new UserError('The file is truncated'));
    const { code, error } = await run(trainArguments('--quiet'), { train: failing });
    expect(code).toBe(1);
    // Nothing is there that could be gone on with.
    expect(error).toBe('The file is truncated.\n');
    expect(existsSync(join(base, 'run'))).toBe(false);
  });

  test('--debug shows the stack, nothing else does', async () => {
    const failing = () => Promise.reject(new Error('Something broke'));
    const plain = await run(trainArguments('--quiet'), { train: failing });
    expect(plain.error).toBe('Something broke.\n');
    const debug = await run(trainArguments('--quiet', '--debug'), { train: failing });
    expect(debug.error).toContain('run-command-line.test.ts');
    const cause = new Error('Something deeper broke');
    const caused = await run(trainArguments('--quiet', '--debug'), {
      train: () => Promise.reject(new UserError('Something broke', { cause })),
    });
    expect(caused.error).toContain('[cause]: Error: Something deeper broke');
  });

  test('the first SIGINT ends the run cleanly with exit code 130, the second at once', async () => {
    const { code, error, exits } = await run(trainArguments('--quiet'), {
      async train(config, recorder, signal) {
        process.emit('SIGINT');
        expect(signal.aborted).toBe(true);
        process.emit('SIGINT');
        const summary = { ...(await train(config, recorder, signal)), interrupted: true };
        return summary;
      },
    });
    expect(code).toBe(130);
    expect(error).toContain('Ctrl-C again');
    expect(error).toContain(`To go on: ${commandName()} resume ${join(base, 'run')}\n`);
    expect(exits).toEqual([130]);
    // The library of the locks has one of its own.
    expect(process.listeners('SIGINT').map(({ name }) => name)).not.toContain('interrupt');
    expect(existsSync(join(base, 'run', 'summary.json'))).toBe(true);
  });
});

describe('what nobody waited for', () => {
  const stray = async (happen: () => void) =>
    run(trainArguments('--quiet'), {
      async train(_config, recorder, signal) {
        await recorder.iteration(exampleIteration(1), nothingDrawn);
        happen();
        throw signal.reason;
      },
    });

  test.each<[string, () => void, string]>([
    [
      'an error that nobody caught',
      () => process.emit('uncaughtException', new Error('forgotten await')),
      'Something failed that nobody waited for, such as a promise that a reward does not await: forgotten await.',
    ],
    [
      'a promise that is never settled',
      () => process.emit('beforeExit', 0),
      'Nothing is left that could go on: a reward, say, waits for a promise that is never settled.',
    ],
  ])('%s ends the run in one sentence, and gives its lock back', async (_, happen, sentence) => {
    const listeners = () =>
      ['uncaughtException', 'beforeExit', 'SIGINT'].map((name) => process.listenerCount(name));
    const before = listeners();
    const { code, error } = await stray(happen);
    expect(code).toBe(1);
    expect(error).toBe(`${sentence}\nTo go on: ${commandName()} resume ${join(base, 'run')}\n`);
    expect(existsSync(join(base, 'run', 'run.lock'))).toBe(false);
    expect(listeners()).toEqual(before);
  });

  test('is told also where it comes when all is done', async () => {
    const { code, error } = await run(trainArguments('--quiet'), {
      async train(...given) {
        const summary = await train(...given);
        process.emit('uncaughtException', new Error('too late'));
        return summary;
      },
    });
    expect(code).toBe(1);
    expect(error).toMatch(/^Something failed that nobody waited for, .*: too late\.\n$/);
  });
});

describe('sample', () => {
  const flags = (...more: string[]) => ['sample', '--model', model, '--quiet', ...more];

  test('hands all flags on and lists the images', async () => {
    let seen: unknown;
    const latents = join(base, 'latents.safetensors');
    writeFileSync(latents, '');
    const { code, out, error } = await run(
      [
        ...flags('--prompt', 'a', '--prompt', 'b', '--out', join(base, 'images'), '--json'),
        ...['--seed', '7', '--steps', '20', '--eta', '0', '--guidance', '2.5'],
        ...['--safety', '0.5'],
        ...['--latents', latents, '--trace', join(base, 'trace.safetensors'), '--lora', 'x'],
      ],
      {
        sampleImages(options) {
          seen = options;
          return Promise.resolve({ images: [{ file: 'a.png', prompt: 'a' }], withheld: 0 });
        },
      },
    );
    expect(code).toBe(0);
    expect(seen).toMatchObject({
      ...{ model, prompts: ['a', 'b'], seed: 7, steps: 20, eta: 0, guidance: 2.5, lora: ['x'] },
      ...{
        scheduler: 'ddim',
        latents,
        noise: undefined,
        safety: 0.5,
        trace: join(base, 'trace.safetensors'),
        backend: 'auto',
      },
    });
    expect(JSON.parse(out)).toEqual({ images: [{ file: 'a.png', prompt: 'a' }], withheld: 0 });
    expect(error).toBe('');
  });

  test('prompts also come from a file, several images each, beside the base', async () => {
    const file = join(base, 'prompts.txt');
    writeFileSync(file, '# mine\nc\nd\n');
    let seen: unknown;
    const more = ['--prompt', 'a', '--prompts', file, '--count', '3', '--base', '--lora', 'x'];
    const { code, error } = await run(flags('--out', join(base, 'images'), ...more), {
      sampleImages(options) {
        seen = options;
        const cutOff = { count: 1, prompt: 'a long one', lost: 'one' };
        return Promise.resolve({ images: [], withheld: 0, cutOff });
      },
    });
    expect(code).toBe(0);
    expect(seen).toMatchObject({ prompts: ['a', 'c', 'd'], count: 3, base: true, grid: true });
    expect(error).toContain("of 'a long one' it never sees 'one'");
  });

  test('refuses a folder that is in use, and a base beside itself', async () => {
    writeFileSync(join(base, 'mine.png'), 'precious');
    const used = await run(flags('--prompt', 'a', '--out', base));
    expect(used).toMatchObject({ code: 1, error: expect.stringContaining('is not empty') });
    const alone = await run(flags('--prompt', 'a', '--out', join(base, 'images'), '--base'));
    expect(alone.code).toBe(2);
    expect(readFileSync(join(base, 'mine.png'), 'utf8')).toBe('precious');
  });

  test('a home in a flag is filled in, and a variable refused', async () => {
    const refused = await run(flags('--prompt', 'a', '--out=$HOME/images'));
    expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('--out is') });
    const model = ['sample', '--model=~/no-such-model', '--prompt', 'a', '--out', join(base, 'o')];
    expect((await run(model)).error).toContain(`'${homedir()}/no-such-model' does not exist`);
  });

  test('another scheduler', async () => {
    let seen: unknown;
    const { code } = await run(
      flags('--prompt', 'a', '--out', join(base, 'images'), '--scheduler', 'dpm-solver++'),
      {
        sampleImages(options) {
          seen = options;
          return Promise.resolve({ images: [], withheld: 0 });
        },
      },
    );
    expect(code).toBe(0);
    expect(seen).toMatchObject({ scheduler: 'dpm-solver++', eta: 1, safety: undefined });
  });

  test('says what it withheld, not among the results', async () => {
    const images = ['a.png', 'b.png'].map((file) => ({ file, prompt: 'a' }));
    const argv = flags('--prompt', 'a', '--prompt', 'b', '--out', join(base, 'images'), '--json');
    const { code, out, error } = await run([...argv, '--safety', '0.9'], {
      sampleImages: () => Promise.resolve({ images, withheld: 1 }),
    });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ images, withheld: 1 });
    expect(error).toContain('Withheld 1 of 2 images');
    expect(error).toContain('below 0.9');
  });

  test('refuses a threshold that is no probability', async () => {
    const argv = flags('--prompt', 'a', '--out', join(base, 'images'), '--safety', '50');
    const { code, error } = await run(argv);
    expect(code).toBe(2);
    expect(error).toContain('a number from 0 to 1');
  });

  test.each([
    [['--latents', '/none.safetensors'], 'not a file'],
    [['--noise', __filename], '.safetensors'],
  ])('refuses %j', async (more, message) => {
    const argv = flags('--prompt', 'a', '--out', join(base, 'images'), ...more);
    const { code, error } = await run(argv);
    expect(code).toBe(1);
    expect(error).toContain(message);
    expect(existsSync(join(base, 'images'))).toBe(false);
  });
});

describe('evaluate', () => {
  const flags = (...more: string[]) => {
    const required = ['--model', model, '--prompts', 'shapes', '--reward', 'shapes'];
    return ['evaluate', ...required, '--out', join(base, 'out'), '--quiet', ...more];
  };
  const evaluateModel: Core['evaluateModel'] = () =>
    Promise.resolve({
      evaluation: exampleEvaluation('evaluation', 0.7),
      images: [{ file: '0.png', prompt: 'a' }],
      withheld: 1,
    });

  test('prints the mean by family and keeps it beside the images', async () => {
    const { code, out } = await run(flags(), { evaluateModel });
    expect(code).toBe(0);
    expect(out).toContain('spatial   0.650 ± 0.030  (51 images)');
    expect(out).toContain('all       0.700 ± 0.016  (256 images)');
    const file = readFileSync(join(base, 'out', 'evaluation.json'), 'utf8');
    expect(JSON.parse(file)).toMatchObject({
      evaluation: { mean: 0.7, rewards: [0.1, 0.9] },
      withheld: 1,
    });
  });

  test('says which images have no reward, and why', async () => {
    const failures = [{ reward: 'shapes', kind: 'exception', message: 'out of memory', count: 2 }];
    const { code, out, error } = await run(flags(), {
      evaluateModel: async (options) => {
        const result = await evaluateModel(options);
        const figures = { count: 253, failed: 2, notApplicable: 1, failures };
        return { ...result, evaluation: { ...result.evaluation, ...figures } };
      },
    });
    expect(code).toBe(0);
    expect(out).toContain('(253 images, 2 failed, 1 without a reward that applies)');
    expect(error).toContain('Warning: the reward shapes failed on 2 of 2 images: out of memory');
  });

  test('hands the threshold on, and says what was withheld', async () => {
    let seen: unknown;
    const { out, error } = await run(flags('--safety', '0.25', '--json'), {
      evaluateModel(options) {
        seen = options;
        return evaluateModel(options);
      },
    });
    expect(seen).toMatchObject({ safety: 0.25 });
    expect(JSON.parse(out)).toMatchObject({ withheld: 1 });
    expect(error).toContain('Withheld 1 of 1 images');
  });

  test('refuses a folder that is in use', async () => {
    mkdirSync(join(base, 'out'));
    writeFileSync(join(base, 'out', 'x'), '');
    const { code, error } = await run(flags(), { evaluateModel });
    expect(code).toBe(1);
    expect(error).toContain('not empty');
  });
});
