/** What training takes from code. */
import type { Cluster } from '@loop-diffusion/native-tensorflow';
import type { Reward, ScoringFunction } from '@loop-diffusion/rewards';

import type { TrainSettings } from '../configuration/schema';
import type { Method } from '../methods/method';
import type { TaggedPrompt } from '../prompts/prompt-order';
import type { RunSink } from '../tracking/sink';

/** `shapes`, the path of a text file with a prompt a line, or the prompts themselves, each perhaps with its family. */
export type PromptsOption = string | readonly (string | TaggedPrompt)[];

type RewardSettings = NonNullable<TrainSettings['rewards']>[number];

/** A reward and its part in the sum, as an entry of a configuration's `rewards` has it. */
export interface WeightedRewardOption extends Omit<RewardSettings, 'name' | 'settings'> {
  readonly reward: Reward | ScoringFunction;
}

/**
 * A function of images and prompts, a reward, the name of one, either of the first two with a weight, or an entry of a
 * configuration's `rewards`.
 */
export type RewardOption =
  ScoringFunction | Reward | string | WeightedRewardOption | RewardSettings;

/** A method of one's own, whatever settings it takes. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what `algorithm.settings` has to be is its own affair
export type MethodOption = Method<any, any>;

/** One reward: a function, a reward, its name, or its name with its settings. */
export type EvaluatedReward =
  | ScoringFunction
  | Reward
  | string
  | { readonly name: string; readonly settings: Readonly<Record<string, unknown>> };

/** The keys of a configuration file, with objects where a file has names. What is left out is as in a file. */
export interface TrainOptions extends Omit<
  TrainSettings,
  'prompts' | 'rewards' | 'evaluate' | 'output' | 'algorithm'
> {
  readonly prompts?: PromptsOption | undefined;
  /** What is rewarded: the weighted sum of these. */
  readonly rewards?: readonly RewardOption[] | undefined;
  readonly algorithm?:
    | (Omit<NonNullable<TrainSettings['algorithm']>, 'name'> & {
        /** The method: its name, the place of its code, or the method itself, as `defineMethod` makes it. */
        readonly name?: string | MethodOption | undefined;
      })
    | undefined;
  readonly evaluate?:
    | (Omit<NonNullable<TrainSettings['evaluate']>, 'prompts'> & {
        /** Prompts that are not trained on. */
        readonly prompts?: PromptsOption | undefined;
      })
    | undefined;
  /** Folder of the run, with everything that the command line leaves in one. Where it is left out nothing is written. */
  readonly output?: string | undefined;
  /**
   * Goes on with the run in `output` from its newest whole checkpoint, bit for bit. Its configuration is what counts; of these
   * options only `iterations`, and the objects that it names.
   */
  readonly resume?: boolean | undefined;
  /** Ends the run when aborted, with what was learnt until then. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The processes that carry out the run together, each of which calls `train` with the same options; `clusterFromTfConfig` of
   * `@loop-diffusion/native-tensorflow` reads it from the environment. The first writes into `output`. To be given before
   * anything else has computed in the process.
   */
  readonly cluster?: Cluster | undefined;
  /** Seconds that workers wait for one of them; 1,800 where left out. */
  readonly workerPatience?: number | undefined;
  /** After each iteration; `{ stop: 'reason' }` ends the run. */
  readonly onIteration?: RunSink['iteration'] | undefined;
  /** After each evaluation; `{ stop: 'reason' }` ends the run. */
  readonly onEvaluation?: RunSink['evaluation'] | undefined;
  /** Told of everything, after the run's own. */
  readonly sinks?: readonly RunSink[] | undefined;
}
