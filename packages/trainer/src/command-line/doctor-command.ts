/** `loop-diffusion doctor`: what this machine has, how fast it is, and what would make it faster. */
import type { Command } from 'commander';

import { UsageError } from '../usage-error';
import type { CommandContext, CommonFlags } from './context';
import { diagnose, diagnosisLines, DOCTOR_TOOLS } from './doctor-diagnosis';
import { installLibrary } from './doctor-install';
import { judgeModel } from './doctor-model';
import { realNumberFlag, wholeNumberFlag } from './numbers';
import { imageSideFlag } from './sampler-flags';

export interface DoctorFlags extends CommonFlags {
  readonly install?: boolean;
  readonly gpu?: boolean;
  readonly model?: string;
  readonly guidance?: number;
  readonly seconds?: number;
  readonly height?: number;
  readonly width?: number;
}

export function addDoctorFlags(command: Command): Command {
  return command
    .description('versions, backends, GPU, memory, a timed matmul, and what would be faster')
    .option(
      '--install',
      "first install TensorFlow's native library for this machine, or check what is installed and mend it",
    )
    .option(
      '--gpu',
      'with --install: the build for NVIDIA GPUs, also where no driver is seen, as in an image that is made elsewhere',
    )
    .option(
      '--model <model>',
      'instead, say what memory it needs, and measure which batch.rollout and batch.update are fastest',
    )
    .option(
      '--height <pixels>',
      "with --model: of the images; the model's own without it",
      imageSideFlag,
    )
    .option(
      '--width <pixels>',
      "with --model: of the images; the model's own without it",
      imageSideFlag,
    )
    .option(
      '--guidance <scale>',
      'with --model: guidance scale of the run; above 1 takes two rows an image (default: 1)',
      realNumberFlag(0, 100),
    )
    .option(
      '--seconds <n>',
      'with --model: no larger batch is begun after so long (default: 120)',
      wholeNumberFlag(1, 86_400),
    );
}

/** @returns the exit code */
export async function doctorCommand(
  flags: DoctorFlags,
  context: CommandContext,
  tools = DOCTOR_TOOLS,
): Promise<number> {
  if (flags.gpu === true && flags.install !== true) {
    throw new UsageError('--gpu says what --install installs: give both.');
  }
  const { output } = context;
  // Before hundreds of megabytes are fetched for a model that does not fit.
  const examine =
    flags.model === undefined
      ? undefined
      : await judgeModel(flags.model, flags, context, tools.memoryBytes());
  if (flags.install === true) await installLibrary(flags, output, tools);
  if (examine !== undefined) {
    await examine();
    return 0;
  }
  const diagnosis = await diagnose(tools);
  if (flags.json === true) output.out.write(`${JSON.stringify(diagnosis)}\n`);
  else for (const line of diagnosisLines(diagnosis)) output.out.write(`${line}\n`);
  return 0;
}
