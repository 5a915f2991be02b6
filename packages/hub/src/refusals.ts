/** What the hub refuses, as a sentence that says what to do about it. */
import { UserError } from '../user-error';
import type { HubModel } from './hub-model';
import type { HubSettings } from './hub-settings';
import { retryAfterSeconds, TemporaryFailure } from './retries';

type Response = Pick<globalThis.Response, 'status' | 'headers'>;

/**
 * The library's own error holds the status alone, while the hub says in a header which of several things a 401 or 404 is.
 * @param response not a success
 * @returns a `TemporaryFailure` where trying again may help, else a `UserError`
 */
export function refusal(
  response: Response,
  model: HubModel,
  { endpoint, token, tokenSource }: HubSettings,
): UserError | TemporaryFailure {
  const { status, headers } = response;
  const code = headers.get('X-Error-Code');
  const message = headers.get('X-Error-Message') ?? '';
  const page = `${endpoint}/${model.name}`;
  if (status === 408 || status === 429 || status >= 500) {
    const what = status === 429 ? 'has had too many requests' : `answers with status ${status}`;
    return new TemporaryFailure(
      `${model.text} cannot be fetched: ${endpoint} ${what}; try again later`,
      retryAfterSeconds(headers.get('Retry-After')),
    );
  }
  if (code === 'GatedRepo') {
    return new UserError(
      token === undefined
        ? `${model.text} is gated: accept its licence at ${page} and set HF_TOKEN to a token of your account`
        : `${model.text} is gated, and the account of the token from ${tokenSource} has no access: accept its licence at ${page}`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new UserError(
      `${model.text}: ${model.name} has no revision '${model.revision}'; ${page}/tree/main shows its branches and tags`,
    );
  }
  if (code === 'EntryNotFound') {
    return new UserError(`${model.text} lists a file that ${endpoint} does not have`);
  }
  if (status === 401 && token !== undefined && /invalid .*(credential|token)/i.test(message)) {
    return new UserError(
      `${endpoint} does not take the token from ${tokenSource}; make a new one, or unset it for public models`,
    );
  }
  if (status === 401 || status === 404) {
    const access =
      token === undefined
        ? 'it is private and HF_TOKEN is not set'
        : `the token from ${tokenSource} may not read it`;
    return new UserError(`${model.text}: ${endpoint} has no model ${model.name}, or ${access}`);
  }
  if (status === 403) {
    return new UserError(
      `${model.text} may not be read${token === undefined ? ' without a token; set HF_TOKEN' : ` with the token from ${tokenSource}`}; see ${page}`,
    );
  }
  return new UserError(
    `${model.text} cannot be fetched: ${endpoint} answers with status ${status}`,
  );
}
