/** What an evaluation measured, in words: "held-out" only where none of its prompts was trained on. */
import type { EvaluationRecord } from './records';

type Evaluated = Pick<EvaluationRecord, 'trainedOn'> | undefined;

/** As in "held-out before". */
export function evaluationKind(record: Evaluated): 'held-out' | 'training prompts' {
  return record?.trainedOn === true ? 'training prompts' : 'held-out';
}

export function evaluatedPrompts(record: Evaluated): string {
  return record?.trainedOn === true ? 'training prompts' : 'held-out prompts';
}

export function evaluatedReward(record: Evaluated): string {
  return record?.trainedOn === true ? 'reward on training prompts' : 'held-out reward';
}

/** The first letter as at the begin of a sentence. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
