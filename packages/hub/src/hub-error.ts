/** What this package throws, apart from the reason of an aborted signal. */

/** Its message is one sentence that says what was wrong and what can be done about it. Never holds the token. */
export class HubError extends Error {
  override readonly name: string = 'HubError';
}

/** The hub cannot be had right now; what is in the cache still can. */
export class HubUnreachable extends HubError {
  override readonly name = 'HubUnreachable';
}
