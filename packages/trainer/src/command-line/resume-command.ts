/** `loop-diffusion resume`: a run that ended goes on from its newest whole checkpoint. */
import { join } from 'node:path';

import type { Command } from 'commander';

import { configToGoOn, readContinuation, resumePoint } from '../api/continuation';
import { refuseObjectsFromCode } from '../api/named-objects';
import { pruneCheckpoints } from '../run-folder/checkpoint-folder';
import { openRunFolder } from '../run-folder/run-folder';
import { createRunRecorder } from '../tracking/create-run-recorder';
import { resolveModel } from '../weights/resolve-model';
import { clusterWorkers } from '../workers/collective-exchange';
import { carryOut } from './carry-out';
import type { CommandContext, CommonFlags } from './context';
import { listenForInterruption } from './interruption';
import { wholeNumberFlag } from './numbers';
import { launchWorkers } from './launch-workers';
import { sayBackendOfRun } from './say-backend';
import { workAlong } from './work-along';
import {
  addRestartFlag,
  addWorkerFlags,
  clusterFor,
  commandOfWorkers,
  type RestartFlag,
  type WorkerFlags,
} from './worker-flags';

export interface ResumeFlags extends CommonFlags, WorkerFlags, RestartFlag {
  readonly iterations?: number;
}

export function addResumeFlags(command: Command): Command {
  return addRestartFlag(addWorkerFlags(command))
    .description('go on with a run that ended, from its newest whole checkpoint')
    .argument('<RUN>', "the run's folder")
    .option(
      '--iterations <n>',
      'go on to so many iterations, instead of those that config.yaml says; the learning rate follows',
      wholeNumberFlag(1, Number.MAX_SAFE_INTEGER),
    );
}

/** @returns the exit code */
export async function resumeCommand(
  path: string,
  flags: ResumeFlags,
  context: CommandContext,
): Promise<number> {
  const cluster = clusterFor(flags);
  if (flags.workers > 1) {
    const { workers: count, maxRestarts } = flags;
    const args = commandOfWorkers(context.argv);
    const request = { count, maxRestarts, folder: path, patienceSeconds: flags.workerPatience };
    return launchWorkers({ ...request, args, argsToGoOn: args }, context);
  }
  if (cluster !== undefined && cluster.index > 0) {
    // What it goes on from is the first worker's; what both are to do is in the folder.
    return workAlong(await configToGoOn(path, flags.iterations), cluster, flags, context);
  }
  const folder = openRunFolder(path);
  const interruption = listenForInterruption(context);
  try {
    const say = (text: string): void => {
      context.output.error.write(`${text}\n`);
    };
    const continuation = await readContinuation(path, flags.iterations);
    const { config, iterations, checkpoint, damaged, history } = continuation;
    refuseObjectsFromCode(config);
    await resolveModel(config.model, { output: context.output.error, quiet: flags.quiet });
    for (const problem of damaged) say(`${problem}.`);
    pruneCheckpoints(join(path, 'checkpoints'), Infinity, []);
    if (flags.quiet !== true) {
      say(
        checkpoint === undefined
          ? `There is no checkpoint in '${path}': the run begins again.`
          : `Going on after ${iterations} of ${config.iterations} iterations.`,
      );
    }
    await sayBackendOfRun(config, flags, interruption.signal, cluster);
    return await carryOut(path, flags, context, interruption.signal, async () => {
      const recorder = createRunRecorder(folder, config, {
        json: flags.json === true,
        quiet: flags.quiet === true,
        output: context.output,
        resumed: { iterations, history },
      });
      try {
        const { train } = await context.loadCore();
        const from = resumePoint(continuation, (difference) => {
          say(`Not exactly as it would have gone on: ${difference}.`);
        });
        const workers = clusterWorkers(cluster, flags.workerPatience);
        return await train(config, recorder, interruption.signal, from, { workers });
      } finally {
        recorder.close();
      }
    });
  } finally {
    interruption.release();
    folder.close();
  }
}
