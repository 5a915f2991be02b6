/**
 * Fine-tuning from code: prompts and rewards in, figures and weights out.
 *
 * Only `command-line` may import this folder.
 */
import { join } from 'node:path';

import type { Cluster } from '@loop-diffusion/native-tensorflow';

import { smallestBatch } from '../configuration/backend-options';
import type { TrainConfig } from '../configuration/schema';
import { pruneCheckpoints } from '../run-folder/checkpoint-folder';
import type { RunSummary } from '../run-folder/records';
import { createRunFolder, openRunFolder } from '../run-folder/run-folder';
import type { GivenObjects } from '../run/given';
import { runLoop, type ResumePoint } from '../run/loop';
import { processOutput, type Output } from '../terminal/output';
import { createRunRecorder } from '../tracking/create-run-recorder';
import { createRecorder, type RunRecorder } from '../tracking/recorder';
import type { RunSink } from '../tracking/sink';
import { UserError } from '../user-error';
import { startBackend } from '../weights/start-backend';
import { writeTrainedFile } from '../weights/trained-file';
import { clusterWorkers } from '../workers/collective-exchange';
import { checkOptions, trainSchema } from './check-options';
import { configToGoOn, readContinuation, resumePoint } from './continuation';
import { defaultsOf } from './drawing-options';
import { checkResumed } from './check-resumed';
import { nameObjects } from './named-objects';
import type { TrainOptions } from './options';
import { trainInFolder } from './train-in-folder';

export interface TrainResult {
  readonly summary: RunSummary;
  /**
   * What was trained, as a safetensors file: the adapter as diffusers' `load_lora_weights` reads it, or with `lora: null` the
   * UNet. A file in `adapter/` or `unet/` of the run's folder, where it has one, holds the same bytes.
   */
  readonly weights: Uint8Array;
}

/**
 * Fine-tunes a model on rewards.
 *
 * @returns when the last evaluation is made, or the run was ended before by its signal or a sink
 * @throws UserError that says what is wrong with the options, the model, the prompts or a reward
 * @throws what went wrong in the run; one with a folder leaves a checkpoint of the iterations that were done
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  checkOptions('train', trainSchema, options);
  const { signal = new AbortController().signal, onIteration, onEvaluation, ...rest } = options;
  const { sinks: own = [], resume = false, cluster, workerPatience, ...settings } = rest;
  const asked = nameObjects(settings);
  // A run that goes on has all it needs in its folder.
  const defaults = resume ? undefined : await defaultsOf(asked.config.model);
  const { config, given } = defaults ? nameObjects(settings, defaults.settings) : asked;
  const callbacks: RunSink = {
    ...(onIteration && { iteration: onIteration }),
    ...(onEvaluation && { evaluation: onEvaluation }),
  };
  const { output } = options;
  const request: Request = {
    config,
    ...{ signal, cluster, workerPatience },
    sinks: [callbacks, ...own],
    given: { ...given, withoutFiles: output === undefined },
  };
  if (output === undefined) {
    if (resume)
      throw new UserError('resume goes on with the run in output, so name its folder there');
    return withoutFolder(request);
  }
  // The first worker's folder is all that there is, and all that others read of it is what there is to do.
  if (cluster !== undefined && cluster.index > 0) {
    const toDo = resume ? await configToGoOn(output, settings.iterations) : config;
    return withoutFolder({ ...request, config: toDo });
  }
  return resume ? resumed(output, settings, request) : inNewFolder(output, request);
}

interface Request {
  readonly config: TrainConfig;
  readonly given: GivenObjects;
  readonly sinks: readonly RunSink[];
  readonly signal: AbortSignal;
  readonly cluster: Cluster | undefined;
  readonly workerPatience: number | undefined;
}

async function withoutFolder(request: Request): Promise<TrainResult> {
  const recorder = createRecorder(request.sinks);
  try {
    return await run(request, recorder);
  } finally {
    recorder.close();
  }
}

async function inNewFolder(output: string, request: Request): Promise<TrainResult> {
  const { config, sinks } = request;
  let result: TrainResult | undefined;
  await trainInFolder(
    createRunFolder(output),
    config,
    { ...quietly(), sinks },
    async (recorder) => {
      result = await run(request, recorder);
      return result.summary;
    },
  );
  return result!;
}

async function resumed(
  output: string,
  asked: { readonly iterations?: number | undefined },
  request: Request,
): Promise<TrainResult> {
  const folder = openRunFolder(output);
  try {
    const continuation = await readContinuation(output, asked.iterations);
    const { config } = continuation;
    checkResumed(config, asked, request);
    pruneCheckpoints(join(output, 'checkpoints'), Infinity, []);
    const options = { ...quietly(), sinks: request.sinks, resumed: continuation };
    const recorder = createRunRecorder(folder, config, options);
    try {
      const from = resumePoint(continuation, (difference) => {
        options.output.error.write(`Not exactly as it would have gone on: ${difference}.\n`);
      });
      return await run({ ...request, config }, recorder, from);
    } finally {
      recorder.close();
    }
  } finally {
    folder.close();
  }
}

async function run(
  { config, given, signal, cluster, workerPatience }: Request,
  recorder: RunRecorder,
  from?: ResumePoint,
): Promise<TrainResult> {
  let weights: Uint8Array | undefined;
  if (cluster !== undefined) {
    const { backend, precision } = config;
    await startBackend(backend, smallestBatch(config), { precision, cluster, signal });
  }
  const summary = await runLoop(config, recorder, signal, from, {
    ...{ ...given, workers: clusterWorkers(cluster, workerPatience) },
    onTrained: (policy) => {
      weights = writeTrainedFile(policy);
    },
  });
  return { summary, weights: weights! };
}

/** Results are returned, so that a program's standard output stays its own. */
function quietly() {
  const output: Output = { out: { write: () => true }, error: processOutput().error };
  return { json: false, quiet: true, output };
}
