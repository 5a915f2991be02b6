/** What a run would fail by only after it was started. */
import type { TrainConfig } from '../configuration/schema';
import { readRunPrompts } from '../prompts/prompt-sources';
import { UserError } from '../user-error';
import type { PlannedRun } from './plan-run';

/** @throws UserError that names the first run whose prompts cannot be read */
export async function checkPrompts(
  runs: readonly Pick<PlannedRun, 'variant' | 'config'>[],
): Promise<void> {
  const read = new Set<string>();
  for (const { variant, config } of runs) {
    const sources = sourcesOf(config);
    const key = JSON.stringify(sources);
    if (read.has(key)) continue;
    read.add(key);
    try {
      await readRunPrompts(sources, config.evaluate.images);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new UserError(`The variant '${variant}': ${error.message}`, { cause: error });
    }
  }
}

function sourcesOf({ prompts, evaluate }: TrainConfig) {
  return {
    training: prompts,
    evaluation: evaluate.prompts,
    heldOutFraction: evaluate.heldOutFraction,
  };
}
