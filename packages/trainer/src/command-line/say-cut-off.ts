/** Which prompts the model did not read to their end, on stderr. */
import type { SampleResult } from '../api/drawing-options';
import { cutOffText } from '../prompts/cut-off-prompts';
import type { Output } from '../terminal/output';

export function sayCutOff({ cutOff }: Pick<SampleResult, 'cutOff'>, output: Output): void {
  if (cutOff !== undefined) output.error.write(`${cutOffText(cutOff)}\n`);
}
