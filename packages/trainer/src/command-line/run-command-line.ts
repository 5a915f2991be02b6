/**
 * `loop-diffusion <command>`.
 *
 * Only the entry of the bin imports this folder.
 */
import { Command } from 'commander';

import { packageVersion, TRAINER } from '../files/package-version';
import { launchRun } from '../study/launch-run';
import { processOutput } from '../terminal/output';
import { UsageError } from '../usage-error';
import { findCluster } from '../workers/find-cluster';
import { addCompareFlags, compareCommand, type CompareFlags } from './compare-command';
import type { CommandContext, CommonFlags } from './context';
import {
  addConvertLoraFlags,
  convertLoraCommand,
  type ConvertLoraFlags,
} from './convert-lora-command';
import { loadCore } from './core';
import { addDoctorFlags, doctorCommand, type DoctorFlags } from './doctor-command';
import { addEvaluateFlags, evaluateCommand, type EvaluateFlags } from './evaluate-command';
import {
  addGradientVarianceFlags,
  gradientVarianceCommand,
  type GradientVarianceFlags,
} from './gradient-variance-command';
import { addInitFlags, initCommand, type InitFlags } from './init-command';
import { addMergeFlags, mergeCommand, type MergeFlags } from './merge-command';
import { expandPathFlags } from './path-flags';
import { reportError } from './report-error';
import { addResumeFlags, resumeCommand, type ResumeFlags } from './resume-command';
import { addSampleFlags, sampleCommand, type SampleFlags } from './sample-command';
import { addSearchFlags, searchCommand, type SearchFlags } from './search-command';
import { addStudyFlags, studyCommand, type StudyFlags } from './study-command';
import { addTrainFlags, trainCommand, type TrainFlags } from './train-command';

/**
 * Runs one command.
 * @param argv what stands after the program's name
 * @returns the exit code: 0, 1 for an error, 2 for wrong usage, 130 for a run that was interrupted
 */
export async function runCommandLine(
  argv: readonly string[],
  parts: Partial<Omit<CommandContext, 'argv'>> = {},
): Promise<number> {
  const context: CommandContext = {
    argv,
    output: parts.output ?? processOutput(),
    loadCore: parts.loadCore ?? loadCore,
    launchRun: parts.launchRun ?? launchRun,
    exit: parts.exit ?? ((code) => process.exit(code)),
  };
  let exitCode = 0;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return reportError(error, context, argv.includes('--debug'));
  }
}

function createProgram(context: CommandContext, setExitCode: (code: number) => void): Command {
  const { output } = context;
  const program = new Command('loop-diffusion')
    .description('Fine-tunes text-to-image diffusion models on black-box rewards with LOOP.')
    .version(packageVersion(TRAINER) ?? 'unknown')
    .exitOverride()
    .hook('preAction', (_program, command) => {
      expandPathFlags(command);
      refuseWorker(command.name());
    })
    .showHelpAfterError('Run with --help for the flags.')
    .configureOutput({
      writeOut: (text) => output.out.write(text),
      writeErr: (text) => output.error.write(text),
      outputError: (text, write) => {
        write(text.replace(/^error: /, ''));
      },
    });

  addCommonFlags(addTrainFlags(program.command('train'))).action(
    async (configFile: string | undefined, flags: TrainFlags) => {
      setExitCode(await trainCommand(configFile, flags, context));
    },
  );
  addCommonFlags(addResumeFlags(program.command('resume'))).action(
    async (run: string, flags: ResumeFlags) => {
      setExitCode(await resumeCommand(run, flags, context));
    },
  );
  addCommonFlags(addSampleFlags(program.command('sample'))).action(async (flags: SampleFlags) => {
    setExitCode(await sampleCommand(flags, context));
  });
  addCommonFlags(addEvaluateFlags(program.command('evaluate'))).action(
    async (flags: EvaluateFlags) => {
      setExitCode(await evaluateCommand(flags, context));
    },
  );
  addCommonFlags(addCompareFlags(program.command('compare'))).action(
    async (runs: string[], flags: CompareFlags) => {
      setExitCode(await compareCommand(runs, flags, context));
    },
  );
  addCommonFlags(addSearchFlags(program.command('search'))).action(
    async (file: string, flags: SearchFlags) => {
      setExitCode(await searchCommand(file, flags, context));
    },
  );
  addCommonFlags(addStudyFlags(program.command('study'))).action(
    async (file: string, flags: StudyFlags) => {
      setExitCode(await studyCommand(file, flags, context));
    },
  );
  addCommonFlags(addGradientVarianceFlags(program.command('gradient-variance'))).action(
    async (run: string, flags: GradientVarianceFlags) => {
      setExitCode(await gradientVarianceCommand(run, flags, context));
    },
  );
  addCommonFlags(addMergeFlags(program.command('merge'))).action(async (flags: MergeFlags) => {
    setExitCode(await mergeCommand(flags, context));
  });
  addCommonFlags(addConvertLoraFlags(program.command('convert-lora'))).action(
    async (flags: ConvertLoraFlags) => {
      setExitCode(await convertLoraCommand(flags, context));
    },
  );
  addCommonFlags(addInitFlags(program.command('init'))).action(
    async (file: string, flags: InitFlags) => {
      setExitCode(await initCommand(file, flags, context));
    },
  );
  addCommonFlags(addDoctorFlags(program.command('doctor'))).action(async (flags: DoctorFlags) => {
    setExitCode(await doctorCommand(flags, context));
  });
  return program;
}

/** Commands that write results, and of which several workers would write the same at the same time. */
const BY_ONE_PROCESS = ['study', 'search', 'gradient-variance'];

function refuseWorker(command: string): void {
  if (!BY_ONE_PROCESS.includes(command)) return;
  const cluster = findCluster();
  if (cluster === undefined) return;
  throw new UsageError(
    `This process is worker ${String(cluster.index)} of ${String(cluster.workers.length)}, as TF_CONFIG or srun says, and ${command} is carried out by one process; train, resume, sample and evaluate share their work out`,
  );
}

function addCommonFlags(command: Command): Command {
  return command
    .option('--json', 'JSON on the output, for machines')
    .option('--quiet', 'only warnings and results')
    .option('--debug' satisfies `--${keyof CommonFlags}`, 'show the stack of an error');
}
