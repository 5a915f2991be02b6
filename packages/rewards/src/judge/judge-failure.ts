import { HttpError } from '@loop-diffusion/http';

import { rewardFailure, type RewardFailure } from '../reward';

const EXCERPT = 200;

/**
 * What a request to a judge ended with, as a failure of its image.
 * @param secret what a server may repeat and nobody should read
 */
export function judgeFailure(error: unknown, url: string, secret?: string): RewardFailure {
  const failure = failureOf(error, url);
  if (secret === undefined || secret === '') return failure;
  return { ...failure, message: failure.message.replaceAll(secret, '***') };
}

function failureOf(error: unknown, url: string): RewardFailure {
  if (!(error instanceof HttpError)) {
    const why = error instanceof Error ? error.message : String(error);
    return rewardFailure('network', `No answer from ${url}: ${why}`);
  }
  const { kind, message, answer, retryable } = error;
  if (answer !== undefined) return refusal(answer, url, retryable);
  if (kind === 'aborted') return rewardFailure('aborted', 'Nobody waits for the answer.', true);
  if (kind === 'timeout') return rewardFailure('timeout', message, true);
  if (kind === 'too-large' || kind === 'not-json') {
    return rewardFailure('malformed-response', message);
  }
  return rewardFailure('network', message, true);
}

function refusal(
  { status, text }: { readonly status: number; readonly text: string },
  url: string,
  retryable: boolean,
): RewardFailure {
  const excerpt = text.replaceAll(/\s+/g, ' ').trim().slice(0, EXCERPT);
  const said = `The server at ${url} answered ${status}: ${excerpt || 'nothing more'}`;
  if (status === 401 || status === 403) {
    return rewardFailure('unauthorised', `${said}. Check the API key.`);
  }
  if (status === 429) return rewardFailure('rate-limited', said, true);
  if (status >= 300 && status < 400) {
    return rewardFailure(
      'http-error',
      `${said}. It sends elsewhere, which is not followed: the key would go there too. Give the URL that it leads to.`,
    );
  }
  return rewardFailure('http-error', said, retryable);
}
