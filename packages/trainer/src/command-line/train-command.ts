/** `loop-diffusion train`: from the configuration to a run's folder. */
import { Option, type Command } from 'commander';

import { trainInFolder } from '../api/train-in-folder';
import { configKeys } from '../configuration/key-reference';
import { readConfigFile } from '../configuration/read-config-file';
import { resolveConfig } from '../configuration/resolve-config';
import { BACKEND_NAMES, type TrainConfig } from '../configuration/schema';
import { nextFreeFolder } from '../files/next-free-folder';
import { defaultOutput } from '../run-folder/default-output';
import { checkNewRunFolder, createRunFolder } from '../run-folder/run-folder';
import { UsageError } from '../usage-error';
import { clusterWorkers } from '../workers/collective-exchange';
import { readModelDefaults } from '../weights/model-defaults';
import { resolveModel } from '../weights/resolve-model';
import { carryOut } from './carry-out';
import { collect } from './collect';
import type { CommandContext, CommonFlags } from './context';
import { listenForInterruption } from './interruption';
import { sayDefaults } from './say-defaults';
import { launchWorkers } from './launch-workers';
import { sayBackendOfRun } from './say-backend';
import { workAlong } from './work-along';
import {
  addRestartFlag,
  addWorkerFlags,
  clusterFor,
  commandOfWorkers,
  flagsOfWorkers,
  type RestartFlag,
  type WorkerFlags,
} from './worker-flags';

export interface TrainFlags extends CommonFlags, WorkerFlags, RestartFlag {
  readonly set: readonly string[];
  readonly name?: string;
  readonly backend?: string;
  readonly fromCheckpoint?: string;
}

export function addTrainFlags(command: Command): Command {
  return addRestartFlag(addWorkerFlags(command))
    .description('fine-tune a model on rewards; without CONFIG.yaml the embedded task')
    .argument('[CONFIG.yaml]', 'configuration file')
    .option('--set <key.path=value>', 'set one key; may be given many times', collect, [])
    .option(
      '--name <name>',
      'the run goes into runs/NAME (default: the name of CONFIG.yaml, with a number where it is taken)',
    )
    .addOption(
      new Option('--backend <name>', 'the same as --set backend=NAME').choices([
        'auto',
        ...BACKEND_NAMES,
      ]),
    )
    .option(
      '--from-checkpoint <path>',
      "a new run that starts from an old one's adapter: the same as --set lora.from=PATH",
    )
    .addHelpText('after', () => `\n${keyReference()}`);
}

/** @returns the exit code */
export async function trainCommand(
  configFile: string | undefined,
  flags: TrainFlags,
  context: CommandContext,
): Promise<number> {
  const cluster = clusterFor(flags);
  // Files are looked at before anything is made or the backend, which takes a second, is started.
  const config = await readConfig(configFile, flags, context);
  if (flags.workers > 1) return launchTraining(config, flags, context);
  if (cluster !== undefined && cluster.index > 0) return workAlong(config, cluster, flags, context);
  const folder = createRunFolder(config.output);
  const interruption = listenForInterruption(context);
  const options = {
    json: flags.json === true,
    quiet: flags.quiet === true,
    output: context.output,
  };
  return carryOut(config.output, flags, context, interruption.signal, async () => {
    try {
      return await trainInFolder(folder, config, options, async (recorder) => {
        await sayBackendOfRun(config, flags, interruption.signal, cluster);
        const { train } = await context.loadCore();
        const workers = clusterWorkers(cluster, flags.workerPatience);
        return train(config, recorder, interruption.signal, undefined, { workers });
      });
    } finally {
      interruption.release();
    }
  });
}

/** What this process has found out, such as the folder, none of them finds out anew. */
async function launchTraining(
  { output }: TrainConfig,
  flags: TrainFlags,
  context: CommandContext,
): Promise<number> {
  // So that a run that is there later is theirs.
  checkNewRunFolder(output);
  const { workers: count, maxRestarts, workerPatience: patienceSeconds } = flags;
  return launchWorkers(
    {
      ...{ count, maxRestarts, folder: output, patienceSeconds },
      args: [...commandOfWorkers(context.argv), '--set', `output=${JSON.stringify(output)}`],
      argsToGoOn: ['resume', output, ...flagsOfWorkers(flags)],
    },
    context,
  );
}

async function readConfig(
  configFile: string | undefined,
  flags: TrainFlags,
  { output: streams }: CommandContext,
): Promise<TrainConfig> {
  const overrides = [...flags.set];
  if (flags.backend !== undefined) overrides.push(`backend=${flags.backend}`);
  if (flags.fromCheckpoint !== undefined) {
    overrides.push(`lora.from=${JSON.stringify(flags.fromCheckpoint)}`);
  }
  if (flags.name !== undefined) {
    if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(flags.name)) {
      throw new UsageError(
        `--name takes letters, digits, dots, dashes and underscores, not '${flags.name}'; --set output=FOLDER takes any folder`,
      );
    }
    overrides.push(`output=${JSON.stringify(`runs/${flags.name}`)}`);
  }
  const file = configFile === undefined ? undefined : await readConfigFile(configFile);
  const { model } = resolveConfig(file, overrides);
  const reader = await resolveModel(model, { output: streams.error, quiet: flags.quiet });
  const defaults = await readModelDefaults(reader);
  // Of several workers the first says it.
  if (defaults !== undefined && flags.workers === 1)
    sayDefaults(defaults, defaults.settings, flags, streams);
  const config = resolveConfig(file, overrides, defaults?.settings);
  // A folder that nobody named may take the next number; one that was named is never changed.
  const named =
    overrides.some((override) => override.trimStart().startsWith('output=')) ||
    (typeof file === 'object' && file !== null && 'output' in file);
  if (named) return config;
  const output = configFile === undefined ? config.output : defaultOutput(configFile);
  return { ...config, output: nextFreeFolder(output) };
}

function keyReference(): string {
  const keys = configKeys().map((key) => ({
    name: key.default === undefined ? key.path : `${key.path} = ${JSON.stringify(key.default)}`,
    about: `${key.description}; ${key.expected}`,
  }));
  return [
    'Keys of CONFIG.yaml and --set, with their defaults:',
    ...keys.map(({ name, about }) => `  ${name}\n      ${about}`),
  ].join('\n');
}
