import { rewardFailure, type RewardFailure } from '../reward';

interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
}

/** `Ġ` and `▁` are how tokenizers write a space before a word. */
function bareWord(token: string): string {
  return token.replaceAll(/[\s"'`“”‘’*.,:!Ġ▁]/g, '').toLowerCase();
}

function isTokenLogprob(entry: unknown): entry is TokenLogprob {
  const { token, logprob } = (entry ?? {}) as Partial<Record<keyof TokenLogprob, unknown>>;
  return typeof token === 'string' && typeof logprob === 'number' && Number.isFinite(logprob);
}

/** What is left of the probability for other words must not outweigh the answer. */
const LEAST_MASS = 0.5;

/** How much probability the first token gives to either answer. */
export interface Verdict {
  readonly ok: true;
  /** P(Yes) / (P(Yes) + P(No)). */
  readonly value: number;
  /** P(Yes) among all tokens. */
  readonly yes: number;
  /** P(No) among all tokens. */
  readonly no: number;
}

/** What an answer of the chat completions endpoint looks like, as far as it is read. */
interface Completion {
  readonly choices?: readonly {
    readonly logprobs?: {
      readonly content?: readonly { readonly top_logprobs?: unknown }[] | null;
    } | null;
  }[];
}

/**
 * P(Yes) / (P(Yes) + P(No)) of the first token, from its likeliest alternatives: `Yes`, ` yes`,
 * `"YES` and the like are one answer, and likewise for no. An answer that is not among the
 * alternatives counts as impossible. Where both together have less than a half, the first word is no
 * answer, and the ratio of what is left says nothing about the image.
 *
 * @param completion the body of a chat completion, parsed
 * @returns a failure (`no-logprobs`, `malformed-response`, `no-verdict`) where there is no answer
 */
export function readVerdict(completion: unknown): Verdict | RewardFailure {
  const choice = (completion as Completion | null)?.choices?.[0];
  if (typeof choice !== 'object') {
    return rewardFailure(
      'malformed-response',
      "The judge's answer has no choices; is the URL that of a chat completions endpoint?",
    );
  }
  const alternatives = choice.logprobs?.content?.[0]?.top_logprobs;
  if (!Array.isArray(alternatives) || alternatives.length === 0) {
    return rewardFailure(
      'no-logprobs',
      'The judge gave no log-probabilities: use a server and a model that support "logprobs" and ' +
        '"top_logprobs" for images.',
    );
  }
  if (!alternatives.every(isTokenLogprob)) {
    return rewardFailure(
      'malformed-response',
      'The judge gave log-probabilities that are not finite numbers with a token each.',
    );
  }
  const massOf = (word: string) =>
    alternatives
      .filter(({ token }) => bareWord(token) === word)
      .reduce((mass, { logprob }) => mass + Math.exp(logprob), 0);
  const [yes, no] = [massOf('yes'), massOf('no')];
  // Sums of rounded numbers may miss a half that is meant.
  if (yes + no < LEAST_MASS - 1e-6) {
    const likeliest = [...alternatives].sort((one, other) => other.logprob - one.logprob);
    const tokens = likeliest
      .slice(0, 3)
      .map(({ token, logprob }) => `${JSON.stringify(token)} ${share(Math.exp(logprob))}`);
    return rewardFailure(
      'no-verdict',
      `The judge's first word is Yes or No with a probability of ${share(yes + no)}; expected at ` +
        `least ${share(LEAST_MASS)}. Likeliest are ${tokens.join(', ')}: ask a model that answers at once, ` +
        'without reasoning first.',
    );
  }
  return { ok: true, value: yes / (yes + no), yes, no };
}

function share(probability: number): string {
  return `${Number((100 * probability).toPrecision(2))} %`;
}
