import { exampleVariance } from '../testing/example-variance';
import { varianceMarkdown, varianceText } from './variance-table';

const POLICY = { run: 'runs/a_b', policy: 'after 25 iterations' };

test('a row has figures with their intervals, and a dash where there is none', () => {
  const text = varianceText(exampleVariance(), POLICY);
  const [head, reinforce] = text.split('\n');
  expect(head).toMatch(/^estimator +k +variance per image +of REINFORCE +theory/);
  expect(reinforce).toMatch(/^REINFORCE +– +0\.0200 +1\.000 \(0\.900 to 1\.100\) +1\.000/);
  expect(text).toMatch(/^group deviation +4 +0\.0600 +3\.000 \(.*\) +– +– +– +– +3\.000/m);
  expect(text).toContain('runs/a_b, after 25 iterations: 64 prompts, 16 images of each.');
  expect(text).toContain('Squared norm of the gradient 1.0e-4 (9.0e-5 to 1.1e-4)');
});

test('figures of nothing are no figures', () => {
  const none = { value: Number.NaN, low: Number.NaN, high: Number.NaN };
  const [row] = exampleVariance().estimators;
  const estimators = [{ ...row!, toTheory: none, theory: { variance: 0, relative: Number.NaN } }];
  expect(varianceText(exampleVariance({ estimators }), POLICY)).toMatch(
    /^REINFORCE .* 1\.000 \(0\.900 to 1\.100\) +– +– /m,
  );
});

test('in Markdown a folder’s name is a text', () => {
  const markdown = varianceMarkdown(exampleVariance(), POLICY, 'plot.png');
  expect(markdown).toContain('runs/a\\_b, after 25 iterations');
  expect(markdown).toContain('![Variance by estimator](plot.png)');
  const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
  expect(rows).toHaveLength(2 + 6);
  for (const line of rows) expect(line.match(/\|/g)).toHaveLength(10);
});
