import { resolveConfig } from '../configuration/resolve-config';
import { captureOutput } from '../testing/captured-output';
import { exampleEvaluation, exampleIteration, exampleSummary } from '../testing/example-run';
import { createConsoleReport, summaryLines } from './console-report';

const config = resolveConfig({ iterations: 3 }, []);

describe('createConsoleReport', () => {
  test('without a terminal: a plain line per iteration, no control characters', () => {
    const output = captureOutput();
    const report = createConsoleReport(config, output, { quiet: false });
    report.phase('rollout', 0.5);
    report.iteration(exampleIteration(1));
    report.iteration(exampleIteration(2));
    const lines = output.outText().trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /^iteration 1\/3 · reward 0\.\d{3} ± 0\.200 · .* · 4\.\d s · \d+ s left$/,
    );
    expect(output.outText()).not.toContain('\u001b');
  });

  test('on a terminal: a live line, and a table under its head', () => {
    const output = captureOutput({ isTTY: true });
    const report = createConsoleReport(config, output, { quiet: false });
    report.phase('rollout', 0.5);
    report.iteration(exampleIteration(1));
    report.iteration(exampleIteration(2));
    report.close();
    const text = output.outText();
    expect(text).toContain('rollout ━━━━━━━━━━──────────  50 % · iteration 1 of 3');
    expect(text.match(/clipped/g)).toHaveLength(1);
    expect(text).toMatch(/ 1\/3 +0\.\d{3} ± 0\.20/);
  });

  test('failures of rewards stand behind what they left', () => {
    const failures = [{ reward: 'judge', kind: 'exception', message: 'quota exceeded', count: 4 }];
    for (const isTTY of [false, true]) {
      const output = captureOutput({ isTTY });
      const report = createConsoleReport(config, output, { quiet: false });
      const reward = { mean: Number.NaN, std: Number.NaN };
      report.iteration({ ...exampleIteration(1), failures, reward });
      expect(output.outText()).toMatch(/ none .*4 failed\n/);
      const evaluation = { ...exampleEvaluation('before', 0.6), count: 253 };
      report.evaluation({ ...evaluation, failed: 2, notApplicable: 1 });
      expect(output.outText()).toMatch(/ left( ·)? 4 failed\n|\d s 4 failed\n/);
      expect(output.outText()).toContain(
        '(253 images, 2 failed, 1 without a reward that applies, guidance 1)',
      );
    }
  });

  test('of a federated run it says whose iteration it was', () => {
    for (const isTTY of [false, true]) {
      const output = captureOutput({ isTTY });
      const report = createConsoleReport(config, output, { quiet: false });
      report.iteration({ ...exampleIteration(1), client: 'harbour', round: 2 });
      expect(output.outText()).toMatch(/ harbour, round 2\n/);
    }
  });

  test('a run that goes on counts from where it was', () => {
    const output = captureOutput({ isTTY: true });
    const report = createConsoleReport(config, output, { quiet: false, iterationsDone: 1 });
    report.phase('rollout', 0.5);
    expect(output.outText()).toContain('iteration 2 of 3');
    report.iteration(exampleIteration(2));
    report.phase('rollout', 0);
    expect(output.outText()).toMatch(/iteration 3 of 3 · run: \d+ s left/);
  });

  describe('colours', () => {
    const inherited = process.env['NO_COLOR'];
    afterEach(() => {
      if (inherited === undefined) Reflect.deleteProperty(process.env, 'NO_COLOR');
      else process.env['NO_COLOR'] = inherited;
    });

    test.each([
      ['on a terminal', { out: true, error: true }, '', true, true],
      ['with NO_COLOR', { out: true, error: true }, '1', false, false],
      ['with the errors in a file', { out: true, error: false }, '', true, false],
      ['with the output in a file', { out: false, error: true }, '', false, true],
    ])('%s', (_, { out, error }, noColor, outHasThem, errorHasThem) => {
      process.env['NO_COLOR'] = noColor;
      const output = captureOutput({ isTTY: out });
      const errors = captureOutput({ isTTY: error });
      const report = createConsoleReport(
        config,
        { out: output.out, error: errors.error },
        { quiet: false },
      );
      report.evaluation(exampleEvaluation('before', 0.6));
      report.warn('mind this');
      expect(output.outText().includes('\u001b[36m')).toBe(outHasThem);
      expect(errors.errorText().includes('\u001b[33m')).toBe(errorHasThem);
      expect(errors.errorText()).toContain('mind this');
    });
  });

  test('quiet: warnings and the summary only', () => {
    const output = captureOutput();
    const report = createConsoleReport(config, output, { quiet: true, folder: 'runs/x' });
    report.iteration(exampleIteration(1));
    report.evaluation(exampleEvaluation('before', 0.6));
    report.note('samples');
    expect(output.outText()).toBe('');
    report.warn('mind this');
    report.finish(exampleSummary());
    expect(output.errorText()).toBe('Warning: mind this\n');
    expect(output.outText()).toContain('runs/x');
  });
});

describe('summaryLines', () => {
  test('says before, after, the gain, families and the base at its other guidance', () => {
    expect(summaryLines(exampleSummary())).toEqual([
      'Done: 150 iterations.',
      'Held-out reward over 256 images: before 0.652 ± 0.016, after 0.804 ± 0.016, gain +0.152 ± 0.018',
      '  colour 0.75 → 0.90 · shape 0.70 → 0.85 · texture 0.65 → 0.80 · spatial 0.60 → 0.75 · numeracy 0.55 → 0.70',
      'Each at its best guidance: before 0.795 ± 0.016 (guidance 2), after 0.831 ± 0.016 (guidance 1.5), gain +0.036 ± 0.011',
    ]);
  });

  test('an evaluation of which a reward failed on nearly all has no figure that is none', () => {
    const summary = exampleSummary();
    const [before, after] = [exampleEvaluation('before', 0.652), exampleEvaluation('after', 0.8)];
    const nothing = { mean: Number.NaN, standardError: Number.NaN, count: 0 };
    const failed = { ...after, ...nothing, mean: 0.9, count: 1, failed: 255 };
    const evaluation = {
      before,
      after: { ...failed, families: { ...after.families, colour: nothing } },
      gain: { ...nothing, mean: 0.3, count: 1 },
    };
    const text = summaryLines({ ...summary, evaluation }).join('\n');
    expect(text).toContain(
      'over 1 image, 255 failed: before 0.652 ± 0.016, after 0.900, gain +0.300',
    );
    expect(text).toContain('colour 0.75 → – · ');
    expect(text).not.toContain('NaN');
  });

  test('an interrupted run says so, and needs no evaluation', () => {
    const summary = { ...exampleSummary(), interrupted: true, iterations: 7, evaluation: {} };
    expect(summaryLines(summary)).toEqual(['Ended early after 7 iterations.']);
  });

  test('a run that a sink stopped says why', () => {
    const summary = { ...exampleSummary(), stopped: 'good enough', iterations: 7, evaluation: {} };
    expect(summaryLines(summary)).toEqual(['Stopped after 7 iterations: good enough.']);
  });
});
