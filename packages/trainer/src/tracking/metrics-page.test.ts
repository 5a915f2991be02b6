import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { exampleEvaluation, exampleIteration, exampleSummary } from '../testing/example-run';
import { evaluationScalars, iterationScalars, summaryScalars } from './scalars';

interface Row {
  readonly keys: string[];
  readonly tags: string[];
}

/** The first two columns of every table of docs/metrics.md. */
const rows: Row[] = readFileSync(join(__dirname, '../../../../docs/metrics.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| -+/.test(line))
  .map((line) => line.split(/(?<!\\)\|/).slice(1, 3))
  .map(([key = '', tag = '']) => ({ keys: codeSpans(key), tags: codeSpans(tag) }));

function codeSpans(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

/** `reward/<reward>` stands for any reward. */
function matches(documented: string, name: string): boolean {
  const pattern = documented
    .split(/<[a-z]+>/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]+');
  return new RegExp(`^${pattern}$`).test(name);
}

/** Dotted paths of the values in a record; a list's are one path. */
function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    const keys = value.flatMap((entry) => keysOf(entry, `${path}[]`));
    return [...new Set(keys)];
  }
  if (typeof value !== 'object' || value === null) return [path];
  if ('counts' in value && 'minimum' in value) return [path];
  return Object.entries(value).flatMap(([name, child]) =>
    keysOf(child, path === '' ? name : `${path}.${name}`),
  );
}

const failures = [{ reward: 'judge', kind: 'exception', message: 'no answer', count: 1 }];
const federated = { client: 'one', round: 1, exchangedBytes: 8 };
const iteration = {
  ...exampleIteration(1),
  ...{ failures, backTo: 0, exchangeSeconds: 0.1 },
  ...federated,
};
const record = { ...iteration, reward: { ...iteration.reward, components: { shapes: 0.5 } } };
const evaluation = { ...exampleEvaluation('before', 0.6), failures };

const tags = [
  ...Object.keys(iterationScalars(record)),
  ...Object.keys(evaluationScalars(evaluation)),
  ...Object.keys(summaryScalars(exampleSummary())),
  ...['rewards', 'ratios_at/601', 'held_out/rewards', 'samples'],
];
const keys = [...keysOf(record), ...keysOf(evaluation)];

test('docs/metrics.md explains every tag and every key of a record', () => {
  const documentedTags = rows.flatMap((row) => row.tags);
  const documentedKeys = rows.flatMap((row) => row.keys);
  expect(tags.filter((tag) => !documentedTags.some((name) => matches(name, tag)))).toEqual([]);
  expect(keys.filter((key) => !documentedKeys.some((name) => matches(name, key)))).toEqual([]);
});

test('docs/metrics.md explains nothing that is not reported', () => {
  const explained = rows.flatMap((row) => [
    ...row.tags.filter((name) => !tags.some((tag) => matches(name, tag))),
    ...row.keys.filter((name) => !keys.some((key) => matches(name, key))),
  ]);
  expect(explained).toEqual([]);
});
