/** The sinks that a configuration asks for. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';

import type { TrainConfig } from '../configuration/schema';
import type { RunFolder } from '../run-folder/run-folder';
import type { RunHistory } from '../run-folder/run-history';
import { createMlflowSink } from './mlflow/mlflow-sink';
import { createTensorBoardSink } from './tensorboard/tensorboard-sink';
import type { TrackingSink } from './tracking-sink';
import { findWandbSdk } from './wandb/find-sdk';
import { createWandbSink } from './wandb/wandb-sink';

export interface SinkOptions {
  /** Iterations that were done when the run was resumed; undefined for a new run. */
  readonly resumedFrom?: number | undefined;
  /** What it had reported. */
  readonly history?: RunHistory | undefined;
  readonly warn: (text: string) => void;
}

/** @throws UserError when the package that a sink needs is not installed */
export function openSinks(
  folder: RunFolder,
  config: TrainConfig,
  { resumedFrom, history, warn }: SinkOptions,
): TrackingSink[] {
  const { tensorboard, mlflow, wandb } = config.tracking;
  const name = basename(resolve(folder.path));
  const sinks: TrackingSink[] = [];
  if (tensorboard) {
    const sink = createTensorBoardSink(join(folder.path, 'tensorboard'), { resumedFrom });
    sinks.push(withoutHarm(sink, warn));
  }
  if (mlflow !== null) {
    const memory = rememberedRun(folder, { ...mlflow, resumed: resumedFrom !== undefined });
    sinks.push(
      withoutHarm(createMlflowSink({ ...mlflow, name, config, memory, history, warn }), warn),
    );
  }
  if (wandb !== null) {
    // The SDK cannot go on with a run: it would write over its first rows.
    const shownName = resumedFrom === undefined ? name : `${name} from ${String(resumedFrom)}`;
    const sink = createWandbSink({
      ...{ ...wandb, name: shownName, config, warn },
      sdk: findWandbSdk(),
    });
    sinks.push(withoutHarm(sink, warn));
  }
  return sinks;
}

/** A run is worth more than what is shown of it: the first failure of a sink is a warning, and the others are silent. */
function withoutHarm(sink: TrackingSink, warn: (text: string) => void): TrackingSink {
  let warned = false;
  function problem(error: unknown): void {
    if (warned) return;
    warned = true;
    const reason = error instanceof Error ? error.message : String(error);
    warn(`${reason}; the run goes on, and events.jsonl has every figure`);
  }
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      problem(error);
    }
  };
  return {
    iteration: (record) => attempt(() => sink.iteration(record)),
    evaluation: (record, iteration) => attempt(() => sink.evaluation(record, iteration)),
    sampleGrid: (name, png, iteration) => attempt(() => sink.sampleGrid(name, png, iteration)),
    async finish(summary) {
      try {
        await sink.finish(summary);
      } catch (error) {
        problem(error);
      }
    },
    close: () => attempt(() => sink.close()),
  };
}

/** `mlflow.json` in the run's folder. */
function rememberedRun(
  folder: RunFolder,
  { url, experiment, resumed }: { url: string; experiment: string; resumed: boolean },
): { read(): string | undefined; write(run: string): void } {
  const path = join(folder.path, 'mlflow.json');
  let known = resumed;
  return {
    read() {
      if (!known || !existsSync(path)) return undefined;
      try {
        const kept = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
        const same = kept['url'] === url && kept['experiment'] === experiment;
        return same && typeof kept['run'] === 'string' ? kept['run'] : undefined;
      } catch {
        // A file that somebody spoilt costs a second run on the server.
        return undefined;
      }
    },
    write(run) {
      known = true;
      folder.write('mlflow.json', `${JSON.stringify({ url, experiment, run }, null, 2)}\n`);
    },
  };
}
