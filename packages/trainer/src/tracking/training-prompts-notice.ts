/** Says once that evaluations measure what is trained on. */
import type { TrainConfig } from '../configuration/schema';
import { isPointOfRun } from '../run-folder/run-history';
import type { RunSink } from './sink';

export function createTrainingPromptsNotice(
  config: TrainConfig,
  warn: (text: string) => void,
): RunSink {
  let said = false;
  return {
    evaluation(record) {
      if (said || record.trainedOn !== true || !isPointOfRun(record)) return;
      said = true;
      warn(
        `evaluations measure prompts that are trained on, which says nothing about others: ${reason(config)}; evaluate.prompts takes a file of others`,
      );
    },
  };
}

function reason({ prompts, evaluate }: TrainConfig): string {
  if (prompts !== evaluate.prompts) return `'${evaluate.prompts}' has prompts of '${prompts}'`;
  return evaluate.heldOutFraction === 0
    ? 'evaluate.heldOutFraction is 0'
    : `'${prompts}' has too few prompts to set 8 aside and leave 8 to train on`;
}
