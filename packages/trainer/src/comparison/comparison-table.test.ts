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
      heldOut: {
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
      heldOut: { after: { iteration: 25, mean: 0.5, standardError: 0.02, count: 256 } },
      seconds: { total: 1, byPhase: { rollout: 1 } },
    },
  ],
  configuration: [
    { key: 'algorithm.advantageClip', values: [null, undefined] },
    { key: 'lora.targets', values: [['to_q', 'x'.repeat(50)], 'a\nb'] },
  ],
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
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines.at(-2)).toMatch(/^algorithm\.advantageClip +null +–$/);
  expect(lines.at(-1)).toMatch(/…\s+a b$/);
});

test('in Markdown a name stays a name', () => {
  const text = comparisonMarkdown(comparison, 'curves.png');
  expect(text).toContain('![Curves](curves.png)');
  expect(text).toContain('|  | a\\|\\<b\\> | other |\n| --- | ---: | ---: |');
  expect(text).toContain('x'.repeat(50));
});
