import type { Comparison } from './compare-runs';
import { comparisonMarkdown, comparisonText } from './comparison-table';

const comparison: Comparison = {
  runs: [
    {
      name: 'a|<b>',
      folder: 'runs/a',
      state: 'finished',
      iterations: 100,
      images: 6400,
      reward: { final: 0.71234, best: 0.72 },
      evaluation: {
        trainedOn: false,
        before: { iteration: 0, mean: 0.6, standardError: 0.02, count: 256 },
        after: { iteration: 100, mean: 0.73, standardError: 0.02, count: 256 },
        gain: { mean: 0.13, standardError: 0.02 },
      },
      seconds: { total: 12.34, byPhase: { rollout: 5, update: 7.34 } },
    },
    {
      name: 'other',
      folder: 'runs/other',
      state: 'not finished',
      iterations: 30,
      images: 1920,
      reward: { final: Number.NaN, best: Number.NaN },
      evaluation: {
        trainedOn: false,
        after: { iteration: 25, mean: 0.5, standardError: 0.02, count: 256 },
      },
      seconds: { total: 1, byPhase: { rollout: 1 } },
    },
  ],
  configuration: [
    { key: 'algorithm.advantageClip', values: [null, undefined] },
    { key: 'lora.targets', values: [['to_q', 'x'.repeat(50)], 'a\nb'] },
  ],
  notes: ['A note.'],
};

test('on a terminal the columns stand under each other', () => {
  const lines = comparisonText(comparison).split('\n');
  expect(lines.slice(0, 9).map((line) => line.replace(/ {2,}/g, '  '))).toEqual([
    '  a|<b>  other',
    'state  finished  not finished',
    'reward, last 10 iterations  0.712  –',
    'reward, best 10 iterations  0.720  –',
    'held-out before  0.600 ± 0.020  –',
    'held-out after  0.730 ± 0.020  0.500 ± 0.020 (iteration 25)',
    'held-out gain  +0.130 ± 0.020  –',
    'iterations  100  30',
    'images  6400  1920',
  ]);
  const filled = lines.slice(0, -1).filter((line) => line !== 'settings that differ');
  expect(new Set(filled.map((line) => line.length)).size).toBe(1);
  expect(lines.at(-1)).toBe('A note.');
  expect(lines.at(-4)).toBe('settings that differ');
  expect(lines.at(-3)).toMatch(/^ {2}algorithm\.advantageClip +null +–$/);
  expect(lines.at(-2)).toMatch(/…\s+a b$/);
});

test('in Markdown a name stays a name', () => {
  const text = comparisonMarkdown(comparison, 'curves.png');
  expect(text).toContain('![Curves](curves.png)');
  expect(text).toContain('|  | a\\|\\<b\\> | other |\n| --- | ---: | ---: |');
  expect(text).toContain('x'.repeat(50));
});

test('evaluations on training prompts have rows of their own, and short runs say how short', () => {
  const [first, second] = comparison.runs;
  const trained = { ...second!, iterations: 6, reward: { final: 0.4, best: 0.5 } };
  const runs = [first!, { ...trained, evaluation: { ...second!.evaluation, trainedOn: true } }];
  const rows = comparisonText({ ...comparison, runs }).split('\n');
  const row = (name: string) => rows.find((line) => line.startsWith(name))?.replace(/ {2,}/g, '  ');
  expect(row('reward, last')).toBe('reward, last 10 iterations  0.712  0.400 (of 6)');
  expect(row('held-out after')).toBe('held-out after  0.730 ± 0.020  –');
  expect(row('training prompts after')).toBe(
    'training prompts after  –  0.500 ± 0.020 (iteration 25)',
  );
});
