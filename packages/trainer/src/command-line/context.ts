/** What a command needs from outside. Tests bring their own. */
import type { LaunchRun } from '../study/launch-run';
import type { Output } from '../terminal/output';
import type { Core } from './core';

export interface CommandContext {
  /** What stands after the program's name. */
  readonly argv: readonly string[];
  readonly output: Output;
  readonly loadCore: () => Promise<Core>;
  /** Carries out a run in a process of its own. */
  readonly launchRun: LaunchRun;
  /** Ends the process at once. */
  readonly exit: (code: number) => void;
}

/** Flags that every command takes. */
export interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly debug?: boolean;
}
