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

it('keeps answers that are both next to impossible apart', () => {
  // exp(−2000) is 0 in float64, exp(−1) is not.
  const verdict = readVerdict(
    completion([
      ['Maybe', 0],
      ['Yes', -2000],
      ['No', -2001],
    ]),
  );
  expect(verdict).toMatchObject({ ok: true });
  if (!verdict.ok) return;
  expect(verdict.value).toBeCloseTo(1 / (1 + Math.exp(-1)), 14);
});

it('fails where the judge answers something else', () => {
  const verdict = readVerdict(
    completion([
      ['The', -0.1],
      ['<think>', -2],
    ]),
  );
  expect(verdict).toMatchObject({ ok: false, kind: 'no-verdict', retryable: false });
  expect(verdict).toHaveProperty('message', expect.stringContaining('"The", "<think>"'));
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
