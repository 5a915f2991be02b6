import { readVerdict } from './verdict';

/** A completion whose first token has these alternatives. */
function completion(alternatives: readonly (readonly [token: string, logprob: number])[]) {
  const top_logprobs = alternatives.map(([token, logprob]) => ({ token, logprob, bytes: null }));
  return { choices: [{ logprobs: { content: [{ ...top_logprobs[0], top_logprobs }] } }] };
}

const log = Math.log;

it('is P(Yes) / (P(Yes) + P(No))', () => {
  const verdict = readVerdict(
    completion([
      ['Yes', log(0.6)],
      ['No', log(0.2)],
      ['It', log(0.1)],
    ]),
  );
  expect(verdict).toMatchObject({ ok: true });
  if (!verdict.ok) return;
  // 0.6 / 0.8; a few roundings of float64.
  expect(verdict.value).toBeCloseTo(0.75, 14);
  expect(verdict.yes).toBeCloseTo(0.6, 14);
  expect(verdict.no).toBeCloseTo(0.2, 14);
});

it('merges the ways to write an answer', () => {
  const verdict = readVerdict(
    completion([
      ['Yes', log(0.2)],
      [' yes', log(0.1)],
      ['ĠYES', log(0.05)],
      ['▁Yes', log(0.05)],
      ['"Yes', log(0.1)],
      ['**No', log(0.2)],
      ['no.', log(0.05)],
      ['Nope', log(0.1)],
      ['Yesterday', log(0.1)],
    ]),
  );
  expect(verdict).toMatchObject({ ok: true });
  if (!verdict.ok) return;
  expect(verdict.value).toBeCloseTo(0.5 / 0.75, 14);
});

it('takes an answer that is not among the alternatives for impossible', () => {
  expect(
    readVerdict(
      completion([
        ['Yes', -0.1],
        ['It', -3],
      ]),
    ),
  ).toMatchObject({ value: 1, no: 0 });
  expect(
    readVerdict(
      completion([
        ['no', -0.1],
        ['It', -3],
      ]),
    ),
  ).toMatchObject({ value: 0, yes: 0 });
});

it.each<[string, readonly (readonly [string, number])[], string]>([
  [
    'neither Yes nor No',
    [
      ['The', log(0.8)],
      ['<think>', log(0.2)],
    ],
    'a probability of 0 %; expected at least 50 %. Likeliest are "The" 80 %, "<think>" 20 %:',
  ],
  [
    'next to nothing for Yes',
    [
      ['Yes', log(2e-6)],
      ['So', log(0.562)],
      ['Got', log(0.438)],
      ['Okay', log(5e-5)],
    ],
    'a probability of 0.0002 %; expected at least 50 %. Likeliest are "So" 56 %, "Got" 44 %, "Okay" 0.005 %:',
  ],
  [
    'thoughts first',
    [
      ['<think>', log(0.9999)],
      ['Yes', log(1e-4)],
      ['No', log(1e-5)],
    ],
    'Likeliest are "<think>" 100 %, "Yes" 0.01 %',
  ],
  [
    'a little less than a half for both',
    [
      ['It', log(0.51)],
      ['Yes', log(0.3)],
      ['No', log(0.19)],
    ],
    'a probability of 49 %',
  ],
  [
    'words that are both impossible in float64',
    [
      ['Maybe', 0],
      ['Yes', -2000],
      ['No', -2001],
    ],
    'a probability of 0 %',
  ],
])('is none where the judge gives %s', (_, alternatives, message) => {
  const verdict = readVerdict(completion(alternatives));
  expect(verdict).toMatchObject({ ok: false, kind: 'no-verdict', retryable: false });
  expect(verdict).toHaveProperty('message', expect.stringContaining(message));
});

it('is one from a half on', () => {
  const verdict = readVerdict(
    completion([
      ['It', log(0.5)],
      ['Yes', log(0.4)],
      ['No', log(0.1)],
    ]),
  );
  expect(verdict).toMatchObject({ ok: true, value: expect.closeTo(0.8, 14) });
});

it.each([
  ['none', { choices: [{ message: { content: 'Yes' } }] }],
  ['null', { choices: [{ message: { content: 'Yes' }, logprobs: null }] }],
  ['an empty list', { choices: [{ logprobs: { content: [] } }] }],
  ['no alternatives', { choices: [{ logprobs: { content: [{ top_logprobs: [] }] } }] }],
])('fails where log-probabilities are %s', (_, body) => {
  expect(readVerdict(body)).toMatchObject({ ok: false, kind: 'no-logprobs', retryable: false });
});

it.each([
  ['nothing', null],
  ['a string', 'Yes'],
  ['an error', { error: { message: 'no such model' } }],
  ['an empty list of choices', { choices: [] }],
  ['a log-probability that is none', completion([['Yes', Number.NaN]])],
  [
    'a log-probability in words',
    { choices: [{ logprobs: { content: [{ top_logprobs: [{ token: 'Yes', logprob: '-1' }] }] } }] },
  ],
  [
    'an alternative that is null',
    { choices: [{ logprobs: { content: [{ top_logprobs: [null] }] } }] },
  ],
])('fails on %s', (_, body) => {
  expect(readVerdict(body)).toMatchObject({ ok: false, kind: 'malformed-response' });
});
