import { rewardFailure, type RewardFailure } from '../reward';

interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
}

/** Log of the sum of the exponentials; minus infinity for none. */
function logSumExp(values: readonly number[]): number {
  const most = Math.max(...values);
  if (most === -Infinity) return -Infinity;
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}

/** `Ġ` and `▁` are how tokenizers write a space before a word. */
function bareWord(token: string): string {
  return token.replaceAll(/[\s"'`“”‘’*.,:!Ġ▁]/g, '').toLowerCase();
}

function isTokenLogprob(entry: unknown): entry is TokenLogprob {
  const { token, logprob } = (entry ?? {}) as Partial<Record<keyof TokenLogprob, unknown>>;
  return typeof token === 'string' && typeof logprob === 'number' && Number.isFinite(logprob);
}

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
 * alternatives counts as impossible.
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
    logSumExp(
      alternatives.filter(({ token }) => bareWord(token) === word).map(({ logprob }) => logprob),
    );
  const [yes, no] = [massOf('yes'), massOf('no')];
  if (yes === -Infinity && no === -Infinity) {
    const tokens = alternatives.slice(0, 3).map(({ token }) => JSON.stringify(token));
    return rewardFailure(
      'no-verdict',
      `Neither Yes nor No is among the judge's ${alternatives.length} likeliest first words ` +
        `(${tokens.join(', ')}, …): ask a model that answers at once, without reasoning first.`,
    );
  }
  return { ok: true, value: 1 / (1 + Math.exp(no - yes)), yes: Math.exp(yes), no: Math.exp(no) };
}
