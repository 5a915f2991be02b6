/** Who may ask: a bearer token, which a server needs as soon as other machines can reach it. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';

const SHORTEST_TOKEN = 16;

/** Whether only this machine can reach what listens there. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}

/** @throws {Error} when other machines could ask without a token, or the token could be guessed */
export function assertAccess(host: string, token: string | undefined): void {
  if (token === undefined) {
    if (isLoopback(host)) return;
    throw new Error(
      `A server on "${host}" can be reached from other machines and needs a token; ` +
        'pass one, or listen on 127.0.0.1.',
    );
  }
  if (token.length < SHORTEST_TOKEN) {
    throw new Error(
      `The token has ${token.length} characters; expected at least ${SHORTEST_TOKEN}.`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new Error('The token has characters that do not fit a header; use visible ASCII.');
  }
}

/**
 * @returns whether the value of an Authorization header shows the token. Hashes are compared, in a time that tells
 * neither where two tokens part nor how long the right one is.
 */
export function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = '') => {
    const shown = /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    return timingSafeEqual(digest(shown), expected);
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
