/** A worker besides the first: it computes its part, and leaves files and reports to the first. */
import type { Cluster } from '@loop-diffusion/native-tensorflow';

import type { TrainConfig } from '../configuration/schema';
import type { IterationRecord } from '../run-folder/records';
import { createRecorder } from '../tracking/recorder';
import { UserError } from '../user-error';
import { clusterWorkers } from '../workers/collective-exchange';
import { tellOfExit } from './carry-out';
import type { CommandContext, CommonFlags } from './context';
import { INTERRUPTED_EXIT_CODE, listenForInterruption } from './interruption';
import { sayBackendOfRun } from './say-backend';
import type { WorkerFlags } from './worker-flags';

/** @returns the exit code */
export async function workAlong(
  config: TrainConfig,
  cluster: Cluster,
  flags: CommonFlags & Pick<WorkerFlags, 'workerPatience'>,
  context: CommandContext,
): Promise<number> {
  const interruption = listenForInterruption(context, 'Ending.');
  const stopWatching = tellOfExit(config.output, context);
  const { signal } = interruption;
  const { error: log } = context.output;
  const recorder = createRecorder([
    {
      iteration: (record) => {
        if (flags.quiet !== true) log.write(`${described(record)}\n`);
      },
    },
  ]);
  try {
    const { train } = await context.loadCore();
    await sayBackendOfRun(config, flags, signal, cluster);
    const workers = clusterWorkers(cluster, flags.workerPatience);
    const { interrupted } = await train(config, recorder, signal, undefined, { workers });
    return interrupted ? INTERRUPTED_EXIT_CODE : 0;
  } catch (error) {
    if (error === signal.reason && !(error instanceof UserError)) return INTERRUPTED_EXIT_CODE;
    throw error;
  } finally {
    recorder.close();
    stopWatching();
    interruption.release();
  }
}

/** Which of several workers is the slow one is seen side by side. */
function described({ iteration, seconds, exchangeSeconds: exchange = 0 }: IterationRecord): string {
  const phases = Object.entries({ ...seconds, exchange }).map(
    ([phase, time]) => `${phase} ${time.toFixed(1)} s`,
  );
  return `iteration ${String(iteration)}: ${phases.join(', ')}`;
}
