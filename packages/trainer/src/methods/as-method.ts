import { UserError } from '../user-error';
import type { Method } from './method';

/** @throws UserError that says what is missing */
export function asMethod(found: unknown, what: string): Method<unknown, unknown> {
  const method = (typeof found === 'object' && found !== null ? found : {}) as Partial<
    Method<unknown, unknown>
  >;
  const isNamed = typeof method.name === 'string' && method.name.trim() !== '';
  if (isNamed && typeof method.objective === 'function') {
    return method as Method<unknown, unknown>;
  }
  throw new UserError(
    `${what} is no method; expected an object { name, objective: (settings) => ({ learnsFrom, advantages, loss, … }) }, as defineMethod takes it`,
  );
}
