/** What the hub refuses, as a sentence that says what to do about it. */
import { isPassingStatus, type RefusedAnswer } from '@loop-diffusion/http';

import { HubError, HubUnreachable } from './hub-error';
import { pathOnHub, type HubName } from './hub-name';
import type { HubSettings } from './settings';

/**
 * The library's own error holds the status alone, while the hub says in a header which of several things a 401 or 404 is.
 * @returns `HubUnreachable` where trying again later may help
 */
export function refusal(
  { status, headers }: RefusedAnswer,
  name: HubName,
  { endpoint, token, tokenSource }: HubSettings,
): HubError {
  const code = headers.get('X-Error-Code');
  const message = headers.get('X-Error-Message') ?? '';
  const page = `${endpoint}/${pathOnHub(name)}`;
  if (isPassingStatus(status)) {
    const what = status === 429 ? 'has had too many requests' : `answers with status ${status}`;
    return new HubUnreachable(
      `${name.text} cannot be fetched: ${endpoint} ${what}; try again later`,
    );
  }
  if (code === 'GatedRepo') {
    return new HubError(
      token === undefined
        ? `${name.text} is gated: accept its licence at ${page} and set HF_TOKEN to a token of your account`
        : `${name.text} is gated, and the account of the token from ${tokenSource} has no access: accept its licence at ${page}`,
    );
  }
  if (code === 'RevisionNotFound') {
    return new HubError(
      `${name.text}: ${name.repository} has no revision '${name.revision}'; ${page}/tree/main shows its branches and tags`,
    );
  }
  if (code === 'EntryNotFound') {
    return new HubError(`${name.text} lists a file that ${endpoint} does not have`);
  }
  if (status === 401 && token !== undefined && /invalid .*(credential|token)/i.test(message)) {
    return new HubError(
      `${endpoint} does not take the token from ${tokenSource}; make a new one, or unset it for what is public`,
    );
  }
  if (status === 401 || status === 404) {
    const access =
      token === undefined
        ? 'it is private and HF_TOKEN is not set'
        : `the token from ${tokenSource} may not read it`;
    return new HubError(
      `${name.text}: ${endpoint} has no ${name.type} ${name.repository}, or ${access}`,
    );
  }
  if (status === 403) {
    return new HubError(
      `${name.text} may not be read${token === undefined ? ' without a token; set HF_TOKEN' : ` with the token from ${tokenSource}`}; see ${page}`,
    );
  }
  return new HubError(`${name.text} cannot be fetched: ${endpoint} answers with status ${status}`);
}
