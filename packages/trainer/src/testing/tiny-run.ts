/** Runs on a pipeline of a few thousand weights, for the tests of the loop. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig } from '../configuration/schema';
import type { EvaluationRecord, IterationRecord } from '../run-folder/records';
import { createRecorder, type RunRecorder } from '../tracking/recorder';
import type { RunSink } from '../tracking/sink';
import { PIPELINE } from './fixtures';

export interface RunFolder {
  /** @param more replaces whole sections of the file */
  configFor(name: string, overrides?: readonly string[], more?: object): TrainConfig;
  /** In the place of those that are there. */
  writePrompts(text: string): void;
  remove(): void;
}

/** A folder for runs, with two prompts in it. */
export function makeRunFolder(): RunFolder {
  const folder = mkdtempSync(join(tmpdir(), 'loop-'));
  const prompts = join(folder, 'prompts.txt');
  writeFileSync(prompts, 'a red circle\ntwo green triangles\n');
  return {
    configFor: (name, overrides, more) =>
      resolveConfig(
        {
          output: join(folder, name),
          model: PIPELINE,
          prompts,
          iterations: 2,
          batch: { prompts: 2, rollout: 4, update: 8 },
          sampler: { steps: 4 },
          algorithm: { k: 2, innerEpochs: 2 },
          rewards: [{ name: 'jpeg-incompressibility' }],
          evaluate: { images: 2, guidances: [] },
          samples: { every: 0, count: 2 },
          checkpoint: { every: 1, keep: 1 },
          ...more,
        },
        overrides,
      ),
    writePrompts(text) {
      writeFileSync(prompts, text);
    },
    remove() {
      rmSync(folder, { recursive: true });
    },
  };
}

export interface Recording extends RunRecorder {
  readonly iterations: IterationRecord[];
  readonly evaluations: EvaluationRecord[];
  /** Their names. */
  readonly grids: string[];
}

/** Keeps what a run reports. @param sinks told besides */
export function recordRun(...sinks: readonly RunSink[]): Recording {
  const iterations: IterationRecord[] = [];
  const evaluations: EvaluationRecord[] = [];
  const grids: string[] = [];
  const kept: RunSink = {
    iteration: (record) => void iterations.push(record),
    evaluation: (record) => void evaluations.push(record),
    sampleGrid: (name) => void grids.push(name),
  };
  return Object.assign(createRecorder([kept, ...sinks]), { iterations, evaluations, grids });
}
