/** The folder of a run that never was, as far as it is read back. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { resolveConfig } from '../configuration/resolve-config';
import { configFileText } from '../run-folder/config-file';
import type { RunEvent } from '../run-folder/event-log';
import { exampleEvaluation, exampleIteration, exampleSummary } from './example-run';

/** @param options.events in place of those of a whole run of `iterations` */
export function writeExampleRun(
  folder: string,
  options: { iterations?: number; overrides?: string[]; events?: readonly RunEvent[] } = {},
): void {
  const { iterations = 20, overrides = [] } = options;
  mkdirSync(folder, { recursive: true });
  const config = resolveConfig({}, [`output=${JSON.stringify(folder)}`, ...overrides]);
  writeFileSync(join(folder, 'config.yaml'), configFileText(config));
  const events = options.events ?? exampleEvents(iterations);
  writeFileSync(
    join(folder, 'events.jsonl'),
    events.map((event) => `${JSON.stringify(event)}\n`).join(''),
  );
}

/** Those of a run from its start to its end. */
export function exampleEvents(iterations: number): RunEvent[] {
  return [
    { event: 'start', config: {} },
    { event: 'evaluation', ...exampleEvaluation('before', 0.65) },
    { event: 'evaluation', ...exampleEvaluation('best-before', 0.79, 2) },
    ...Array.from({ length: iterations }, (_, index) => ({
      event: 'iteration',
      ...exampleIteration(index + 1),
    })),
    { event: 'evaluation', ...exampleEvaluation('after', 0.8) },
    { event: 'finish', summary: { ...exampleSummary(), iterations } },
  ];
}
