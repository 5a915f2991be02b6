/** What a run is given as objects, where its configuration could only name them. */
import type { Reward } from '@loop-diffusion/rewards';

import type { Method } from '../methods/method';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { Policy } from '../policy/policy';
import type { Workers } from '../workers/workers';

export interface GivenObjects {
  /** By their names in the configuration; they stay the caller's to dispose of. */
  readonly rewards?: ReadonlyMap<string, Reward> | undefined;
  /** The method that `algorithm.name` stands for. */
  readonly method?: Method<unknown, unknown> | undefined;
  readonly prompts?: readonly TaggedPrompt[] | undefined;
  /** Prompts of evaluations and sample grids. */
  readonly heldOut?: readonly TaggedPrompt[] | undefined;
  /** The processes that carry out the run; this one alone when left out. */
  readonly workers?: Workers | undefined;
  /** Leave no files: no checkpoints and no adapter. */
  readonly withoutFiles?: boolean | undefined;
  /** Called with the policy at the end, before it is freed. */
  readonly onTrained?: ((policy: Policy) => void) | undefined;
}
