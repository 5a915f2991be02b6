/** A request that is answered with an error: a status, a reason for machines and a sentence for people. */
export class HttpProblem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** The body of an error. Stack traces stay on the server. */
export function problemBody({ kind, message }: Pick<HttpProblem, 'kind' | 'message'>): string {
  return JSON.stringify({ error: { kind, message } });
}
