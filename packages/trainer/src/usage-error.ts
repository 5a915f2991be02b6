import { UserError } from './user-error';

/** The command was called in a way that cannot mean anything; the program ends with exit code 2. */
export class UsageError extends UserError {
  readonly exitCode = 2;
}
