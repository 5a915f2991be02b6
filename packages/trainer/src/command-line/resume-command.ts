/** `loop-diffusion resume`: a run that ended goes on from its newest whole checkpoint. */
import { join } from 'node:path';

import type { Command } from 'commander';

import { smallestBatch } from '../configuration/backend-options';
import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import type { TrainConfig } from '../configuration/schema';
import { pruneCheckpoints, readNewestCheckpoint } from '../run-folder/checkpoint-folder';
import type { RunEvent } from '../run-folder/event-log';
import { historyOfEvents, readEvents } from '../run-folder/read-events';
import type { RunSummary } from '../run-folder/records';
import { openRunFolder } from '../run-folder/run-folder';
import type { RunHistory } from '../run-folder/run-history';
import { createRunRecorder } from '../tracking/create-run-recorder';
import { UserError } from '../user-error';
import { resolveModel } from '../weights/resolve-model';
import { carryOut } from './carry-out';
import type { CommandContext, CommonFlags } from './context';
import { listenForInterruption } from './interruption';
import { wholeNumberFlag } from './numbers';
import { sayBackend } from './say-backend';

export interface ResumeFlags extends CommonFlags {
  readonly iterations?: number;
}

export function addResumeFlags(command: Command): Command {
  return command
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
  const folder = openRunFolder(path);
  const interruption = listenForInterruption(context);
  try {
    const say = (text: string): void => {
      context.output.error.write(`${text}\n`);
    };
    const config = await readRunConfig(path, flags);
    await resolveModel(config.model, { output: context.output.error, quiet: flags.quiet });
    const checkpoints = join(path, 'checkpoints');
    const { checkpoint, damaged } = readNewestCheckpoint(checkpoints);
    for (const problem of damaged) say(`${problem}.`);
    const iterations = checkpoint?.step ?? 0;
    const events = readEvents(join(path, 'events.jsonl'));
    if (isFinished(config, events)) {
      throw new UserError(
        `The run '${path}' has done its ${config.iterations} iterations; --iterations takes a larger number to go on`,
      );
    }
    const history = historyUntil(iterations, config, events, path);
    pruneCheckpoints(checkpoints, Infinity, []);
    if (flags.quiet !== true) {
      say(
        checkpoint === undefined
          ? `There is no checkpoint in '${path}': the run begins again.`
          : `Going on after ${iterations} of ${config.iterations} iterations.`,
      );
    }
    await sayBackend(config.backend, smallestBatch(config), flags, config.precision);
    return await carryOut(path, flags, context, interruption.signal, async () => {
      const recorder = createRunRecorder(folder, config, {
        json: flags.json === true,
        quiet: flags.quiet === true,
        output: context.output,
        resumed: { iterations, history },
      });
      try {
        const { train } = await context.loadCore();
        return await train(config, recorder, interruption.signal, {
          checkpoint,
          evaluations: history.evaluations.map(({ record }) => record),
          onDifference: (difference) => {
            say(`Not exactly as it would have gone on: ${difference}.`);
          },
        });
      } finally {
        recorder.close();
      }
    });
  } finally {
    interruption.release();
    folder.close();
  }
}

/** The folder may have been moved since. */
async function readRunConfig(path: string, { iterations }: ResumeFlags): Promise<TrainConfig> {
  const config = resolveConfig(await readConfigFile(join(path, 'config.yaml')));
  return { ...config, output: path, iterations: iterations ?? config.iterations };
}

function isFinished(config: TrainConfig, events: readonly RunEvent[]): boolean {
  const last = events.at(-1);
  if (last?.event !== 'finish') return false;
  const { iterations, interrupted } = last['summary'] as Partial<RunSummary>;
  return interrupted === false && (iterations ?? 0) >= config.iterations;
}

/** What was recorded of later iterations belongs to a course that is now taken anew, and so does an end that was not one. */
function historyUntil(
  iterations: number,
  config: TrainConfig,
  events: readonly RunEvent[],
  path: string,
): RunHistory {
  const resumed = { event: 'resume', iteration: iterations };
  const history = historyOfEvents([...events, resumed], join(path, 'events.jsonl'));
  if (iterations === config.iterations) return history;
  const evaluations = history.evaluations.filter(({ record }) => record.name !== 'after');
  return { ...history, evaluations };
}
