/** `loop-diffusion doctor`: what this machine has, how fast it is, and what would make it faster. */
import { arch, availableParallelism, freemem, platform, release, totalmem } from 'node:os';

import {
  installNativeTensorflow,
  measureMatmulRate,
  nativeTensorflowStatus,
  useBestBackend,
  type BackendName,
  type NativeTensorflowStatus,
} from '@loop-diffusion/native-tensorflow';
import type { Command } from 'commander';

import type { BatchAdvice } from '../api/measure-batches';
import { packageVersion, TRAINER } from '../files/package-version';
import type { MemoryEstimate } from '../policy/memory-estimate';
import { createLiveLine } from '../terminal/live-line';
import { createPhaseProgress } from '../terminal/progress-text';
import { figure } from '../terminal/words';
import { UsageError } from '../usage-error';
import { resolveModel } from '../weights/resolve-model';
import type { CommandContext, CommonFlags } from './context';
import { memoryVerdict, type MemoryVerdict } from './memory-verdict';
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

export interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { platform: string; cores: number; memoryBytes: number; freeBytes: number };
  readonly native: NativeTensorflowStatus;
  readonly backends: readonly { name: BackendName; found: boolean; about: string }[];
  readonly backend: { name: BackendName; gpu: boolean; reason: string; version: string };
  /** Of a float32 matrix product of 1024 × 1024 numbers. */
  readonly matmulGigaflops: number;
  readonly advice: readonly string[];
}

/** What the doctor asks; tests answer in its place. */
export interface DoctorTools {
  readonly install: typeof installNativeTensorflow;
  readonly status: typeof nativeTensorflowStatus;
  readonly useBackend: typeof useBestBackend;
  readonly measure: typeof measureMatmulRate;
  /** What a process may have, in bytes. */
  readonly memoryBytes: () => number;
}

const TOOLS: DoctorTools = {
  install: installNativeTensorflow,
  status: nativeTensorflowStatus,
  useBackend: useBestBackend,
  measure: measureMatmulRate,
  // A container may be given less than the machine has; without a limit Node says 0 or more than there is.
  memoryBytes: () => Math.min(totalmem(), process.constrainedMemory() || Infinity),
};

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
  { output, loadCore }: CommandContext,
  tools: DoctorTools = TOOLS,
): Promise<number> {
  if (flags.gpu === true && flags.install !== true) {
    throw new UsageError('--gpu says what --install installs: give both.');
  }
  const verdict =
    flags.model === undefined ? undefined : await judgeMemory(flags.model, tools.memoryBytes());
  if (flags.install === true) {
    const { nvidiaDriver } = await tools.status();
    const live = createLiveLine(output.error);
    const progress = createPhaseProgress();
    let said = '';
    const { folder, alreadyThere } = await tools.install({
      gpu: flags.gpu === true || nvidiaDriver !== null,
      verify: true,
      onProgress(message, fraction) {
        if (flags.quiet === true) return;
        if (output.error.isTTY === true) {
          live.show(fraction === undefined ? message : progress.describe(message, fraction));
        } else if (message !== said) {
          output.error.write(`${message}\n`);
          said = message;
        }
      },
    });
    live.clear();
    if (flags.quiet !== true) {
      const what = alreadyThere ? 'is whole, in' : 'was installed into';
      output.error.write(`TensorFlow's native library ${what} ${folder}\n`);
    }
  }
  if (flags.model !== undefined && verdict !== undefined) {
    if (flags.json !== true) output.out.write(`${verdict.lines.join('\n')}\n\n`);
    if (!verdict.fits(availableParallelism())) {
      // Measuring would need more than there is.
      if (flags.json === true)
        output.out.write(`${JSON.stringify({ memory: verdict.estimate })}\n`);
      else
        output.out.write(
          'Too large to measure batches here: --set batch.rollout=1 --set batch.update=1\n',
        );
      return 0;
    }
    // By itself: a run's threads are not those that a single product is fastest with.
    const batches = await findBatches(flags.model);
    if (flags.json === true) {
      output.out.write(`${JSON.stringify({ ...batches, memory: verdict.estimate })}\n`);
    } else output.out.write(batchLines(batches).join(''));
    return 0;
  }
  const diagnosis = await diagnose(tools);
  if (flags.json === true) output.out.write(`${JSON.stringify(diagnosis)}\n`);
  else for (const line of diagnosisLines(diagnosis)) output.out.write(`${line}\n`);
  return 0;

  async function judgeMemory(
    model: string,
    available: number,
  ): Promise<MemoryVerdict & { estimate: MemoryEstimate }> {
    const reader = await resolveModel(model, { output: output.error, quiet: flags.quiet });
    const { readMemoryEstimate } = await import('../policy/memory-estimate');
    const { height, width, guidance = 1 } = flags;
    const estimate = await readMemoryEstimate(reader, { height, width, guidance });
    return { ...memoryVerdict(model, estimate, available), estimate };
  }

  async function findBatches(model: string): Promise<BatchAdvice> {
    const live = createLiveLine(output.error);
    const progress = createPhaseProgress();
    const { measureBatches } = await loadCore();
    try {
      return await measureBatches({
        model,
        backend: 'auto',
        guidance: flags.guidance ?? 1,
        height: flags.height,
        width: flags.width,
        seconds: flags.seconds ?? 120,
        onProgress(text, fraction) {
          if (flags.quiet !== true && output.error.isTTY === true) {
            live.show(progress.describe(text, fraction));
          }
        },
      });
    } finally {
      live.clear();
    }
  }
}

function batchLines({ measurements, rollout, update }: BatchAdvice): string[] {
  const milliseconds = (seconds: number) => `${figure(1000 * seconds)} ms`;
  const rows = measurements.map((each) => [
    String(each.batch),
    milliseconds(each.rolloutSeconds),
    milliseconds(each.updateSeconds),
    gigabytes(each.memoryBytes),
  ]);
  const head = ['batch', 'rollout, a step', 'update, a pair', 'memory'];
  return [
    ...[head, ...rows].map((cells) => `${cells.map((cell) => cell.padStart(16)).join('')}\n`),
    `\nFastest here: --set batch.rollout=${rollout} --set batch.update=${update}\n`,
  ];
}

async function diagnose(tools: DoctorTools): Promise<Diagnosis> {
  const native = await tools.status();
  const backend = await tools.useBackend({ quiet: true });
  const matmulGigaflops = await tools.measure(1024);
  return {
    versions: {
      'loop-diffusion': packageVersion(TRAINER) ?? 'unknown',
      node: process.versions.node,
      'TensorFlow.js': packageVersion('@tensorflow/tfjs-core') ?? 'not installed',
      engine: backend.version,
    },
    machine: {
      platform: `${platform()} ${release()} ${arch()}`,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      freeBytes: freemem(),
    },
    native,
    backends: foundBackends(native),
    backend: {
      name: backend.name,
      gpu: backend.gpu,
      reason: backend.reason,
      version: backend.version,
    },
    matmulGigaflops,
    advice: advise(native, backend.name),
  };
}

function foundBackends(native: NativeTensorflowStatus): Diagnosis['backends'] {
  const missing = native.unsupported ?? 'not installed';
  const gpuFound = native.gpu.installed && native.nvidiaDriver !== null;
  return [
    {
      name: 'tensorflow-gpu',
      found: gpuFound,
      about: gpuFound
        ? `TensorFlow ${native.gpu.version} in ${native.gpu.folder}`
        : native.nvidiaDriver === null
          ? 'no NVIDIA driver'
          : missing,
    },
    {
      name: 'tensorflow',
      found: native.cpu.installed || native.gpu.installed,
      about: native.cpu.installed
        ? `TensorFlow ${native.cpu.version} in ${native.cpu.folder}`
        : native.gpu.installed
          ? `the GPU build, TensorFlow ${native.gpu.version}`
          : missing,
    },
    { name: 'wasm', found: true, about: 'comes with the package' },
    { name: 'cpu', found: true, about: 'comes with the package' },
  ];
}

function advise(native: NativeTensorflowStatus, backend: BackendName): string[] {
  if (native.unsupported !== null) return [native.unsupported];
  const advice: string[] = [];
  if (native.nvidiaDriver !== null && !native.gpu.installed) {
    advice.push(
      `This machine has an NVIDIA driver (${native.nvidiaDriver}), but not the GPU build of TensorFlow: "loop-diffusion doctor --install" fetches it (${gigabytes(native.gpu.downloadSize)}).`,
    );
  } else if (!native.cpu.installed && !native.gpu.installed) {
    advice.push(
      `TensorFlow's native library is not installed and is many times as fast: "loop-diffusion doctor --install" fetches it (${gigabytes(native.cpu.downloadSize)}).`,
    );
  } else if (backend === 'wasm' || backend === 'cpu') {
    advice.push(
      'The native library is installed, but did not load; "loop-diffusion doctor --install" puts a broken installation right.',
    );
  }
  if (backend === 'tensorflow' && native.nvidiaDriver === null) {
    advice.push('This is the fastest backend without an NVIDIA GPU.');
  }
  return advice;
}

function diagnosisLines(diagnosis: Diagnosis): string[] {
  const { machine, backend, native } = diagnosis;
  return [
    ...Object.entries(diagnosis.versions).map(([name, version]) => row(name, version)),
    row('machine', `${machine.platform}, ${String(machine.cores)} cores`),
    row('memory', `${gigabytes(machine.memoryBytes)}, ${gigabytes(machine.freeBytes)} free`),
    row(
      'GPU',
      native.nvidiaDriver === null ? 'no NVIDIA driver' : `NVIDIA driver ${native.nvidiaDriver}`,
    ),
    ...diagnosis.backends.map(({ name, found, about }) =>
      row(`  ${name}`, `${found ? 'yes' : 'no'} (${about})`),
    ),
    row('backend', `${backend.name} (${backend.reason.replace(/^Backend: |\.$/g, '')})`),
    row('matmul 1024', `${diagnosis.matmulGigaflops.toFixed(0)} GFLOP/s`),
    ...diagnosis.advice,
  ];
}

function row(name: string, value: string): string {
  return `${name.padEnd(18)}${value}`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
