/** What is compared with what. */
import { shapesModelFolder } from '@loop-diffusion/shapes-benchmark';

import type { CaseGroup, CaseResult, Comparison, Precision, ScalingPoint } from './results';
import { stableDiffusion15, type FullSizeModel } from './full-size-model';
import { fullSizes, smokeSizes, type Sizes } from './sizes';
import { adapterGradientOperations, unetOperations } from './unet-operations';
import { decoderOperations } from './vae-operations';

/** A script to be started, and what it is told. */
export interface WorkerSpec {
  /** For tables and messages. */
  readonly name: string;
  /** `source` is TypeScript run as it stands, `built` runs on the built packages. */
  readonly runtime: 'source' | 'built' | 'python';
  /** Below `workers/`, or `python/`. */
  readonly script: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface BenchCase extends Omit<CaseResult, 'workers' | 'failure'> {
  /** The first is ours. */
  readonly workers: readonly WorkerSpec[];
  /** Each repetition is a process of its own, and what is measured is its start. */
  readonly measuresStart: boolean;
  /** The most that one of its workers takes, in 10⁹ bytes, where it is much. */
  readonly gigabytesEach?: number | undefined;
  /** What its workers read, to be there before they start. */
  readonly model?: FullSizeModel | undefined;
}

export interface CaseOptions {
  readonly device: 'cpu' | 'gpu';
  /** The smallest sizes, to try out the suite itself. */
  readonly smoke: boolean;
  /** A file with a prompt a line. */
  readonly promptFile: string;
  /** The folder of full-size models. */
  readonly modelCache: string;
}

export const OURS = 'loop-diffusion';
const TRL = 'TRL';
const PYTORCH = 'PyTorch';
const PYTORCH_CHANNELS_LAST = 'PyTorch, channels last';
const PYTORCH_COMPILED = 'PyTorch, torch.compile';

/** Every case, the quick ones first. */
export function benchCases(options: CaseOptions): BenchCase[] {
  const sizes = options.smoke ? smokeSizes : fullSizes;
  const context: Context = { ...options, sizes };
  return [
    operations(context, 'operations', 'quick', sizes.operations),
    operations(context, 'operations-bfloat16', 'quick', sizes.operations, 'bfloat16'),
    blocks(context),
    unetMiniature(context, 'forward'),
    unetMiniature(context, 'gradient'),
    start(context),
    iteration(context, 1),
    iteration(context, 2),
    compiledIteration(context),
    unetLarge(context, 'forward', 'float32'),
    unetLarge(context, 'forward', 'bfloat16'),
    unetLarge(context, 'gradient', 'float32'),
    unetLarge(context, 'gradient', 'bfloat16'),
    decoderLarge(context, 'float32'),
    decoderLarge(context, 'bfloat16'),
    iterationLarge(context, 'float32'),
    iterationLarge(context, 'bfloat16'),
    startLarge(context, 'F32'),
    startLarge(context, 'F16'),
    ...sizes.largeOperations.map((size) =>
      operations(context, `operations-sd15-${size.size}`, 'full', size),
    ),
    webAssembly(context),
    ...scaling(context),
  ];
}

/**
 * The cases that were asked for, by name or by the first part of it (`iteration` is `iteration-1` and `iteration-2`).
 *
 * @param only empty for all of the groups
 * @throws RangeError naming what there is, for a name that fits no case
 */
export function chooseCases(
  cases: readonly BenchCase[],
  groups: readonly CaseGroup[],
  only: readonly string[],
): BenchCase[] {
  const chosen = only.map((wanted) => {
    const exact = cases.filter(({ name }) => name === wanted);
    return exact.length > 0 ? exact : cases.filter(({ name }) => name.startsWith(`${wanted}-`));
  });
  const unknown = only.filter((_, index) => chosen[index]!.length === 0);
  if (unknown.length > 0) {
    const names = cases.map(({ name }) => name).join(', ');
    throw new RangeError(`There is no case ${unknown.join(', ')}; there are ${names}.`);
  }
  return cases.filter((benchCase) =>
    only.length > 0 ? chosen.flat().includes(benchCase) : groups.includes(benchCase.group),
  );
}

interface Context extends CaseOptions {
  readonly sizes: Sizes;
}

interface Parts {
  readonly operations?: Readonly<Record<string, number>>;
  readonly measuresStart?: boolean;
  readonly precision?: Precision;
  readonly gigabytesEach?: number;
  readonly model?: FullSizeModel | undefined;
  readonly scaling?: ScalingPoint;
}

function benchCase(
  about: Pick<BenchCase, 'name' | 'title' | 'group'>,
  workers: readonly WorkerSpec[],
  comparisons: readonly Comparison[],
  parts: Parts = {},
): BenchCase {
  return { ...about, workers, comparisons, measuresStart: false, ...parts };
}

function ours(
  { device }: Context,
  script: string,
  settings: Readonly<Record<string, unknown>>,
): WorkerSpec {
  const backend = device === 'gpu' ? 'tensorflow-gpu' : 'tensorflow';
  return { name: OURS, runtime: 'source', script, settings: { device: backend, ...settings } };
}

function python(
  { device }: Context,
  name: string,
  script: string,
  settings: Readonly<Record<string, unknown>>,
): WorkerSpec {
  const torchDevice = device === 'gpu' ? 'cuda' : 'cpu';
  return { name, runtime: 'python', script, settings: { device: torchDevice, ...settings } };
}

/** The same eager PyTorch in both layouts: the faster one counts. */
function bothLayouts(
  context: Context,
  script: string,
  settings: Readonly<Record<string, unknown>>,
): WorkerSpec[] {
  return [
    python(context, PYTORCH, script, { ...settings, channelsLast: false }),
    python(context, PYTORCH_CHANNELS_LAST, script, { ...settings, channelsLast: true }),
  ];
}

const EAGER = [PYTORCH, PYTORCH_CHANNELS_LAST];

function iterationSettings({ sizes, promptFile }: Context, updates: number) {
  const { iteration: size } = sizes;
  const common = {
    ...{ ...size, updates, guidance: 5, loraRank: 4, learningRate: 3e-4, promptFile },
    precision: 'float32',
  };
  return { ours: common, theirs: { ...common, model: shapesModelFolder() } };
}

function iterationOperations({ sizes }: Context) {
  const { prompts, k, steps } = sizes.iteration;
  const { config, latentSize, tokens } = sizes.miniature;
  const work = { config, latentSize, tokens };
  // Guidance takes two rows for each image.
  const calls = prompts * k * steps * 2;
  return {
    rollout: calls * unetOperations(work),
    update: calls * adapterGradientOperations(work),
  };
}

function iteration(context: Context, updates: 1 | 2): BenchCase {
  const { ours: own, theirs } = iterationSettings(context, updates);
  const times = updates === 1 ? 'one optimizer step' : 'two optimizer steps';
  return benchCase(
    {
      name: `iteration-${updates}`,
      title: `An iteration on the miniature, ${times}`,
      group: 'quick',
    },
    [
      ours(context, 'iteration.ts', own),
      python(context, TRL, 'iteration_trl.py', theirs),
      python(context, PYTORCH, 'iteration_pytorch.py', { ...theirs, group: 4, compile: false }),
    ],
    [
      { measure: 'total', against: [TRL], target: 3 },
      { measure: 'total', against: [PYTORCH], target: 1.3 },
      { measure: 'rollout', against: [PYTORCH], target: 1.5 },
      { measure: 'update', against: [PYTORCH] },
      { measure: 'peakMegabytes', against: [TRL, PYTORCH] },
    ],
    { operations: iterationOperations(context) },
  );
}

function compiledIteration(context: Context): BenchCase {
  const { ours: own, theirs } = iterationSettings(context, 1);
  return benchCase(
    {
      name: 'iteration-1-compiled',
      title: 'An iteration on the miniature against torch.compile',
      group: 'full',
    },
    [
      ours(context, 'iteration.ts', own),
      python(context, PYTORCH_COMPILED, 'iteration_pytorch.py', {
        ...theirs,
        group: 2,
        // Compiling takes minutes at any size.
        compile: !context.smoke,
      }),
    ],
    [
      { measure: 'total', against: [PYTORCH_COMPILED], target: 1.5 },
      { measure: 'rollout', against: [PYTORCH_COMPILED] },
      { measure: 'update', against: [PYTORCH_COMPILED] },
    ],
  );
}

function start(context: Context): BenchCase {
  const { ours: own, theirs } = iterationSettings(context, 1);
  return benchCase(
    { name: 'start', title: 'From nothing to the first denoise step', group: 'quick' },
    [
      { ...ours(context, 'start.mjs', own), runtime: 'built' },
      python(context, TRL, 'start_trl.py', theirs),
    ],
    [{ measure: 'total', against: [TRL], target: 2 }],
    { measuresStart: true },
  );
}

type UNetWork = 'forward' | 'gradient';

const workTitle: Readonly<Record<UNetWork, string>> = {
  forward: 'forward pass',
  gradient: "LoRA's gradient",
};

function unetMiniature(context: Context, work: UNetWork): BenchCase {
  const { config, latentSize, tokens, batch } = context.sizes.miniature;
  const settings = {
    ...{ work, batch, latentSize, tokens, loraRank: 4, precision: 'float32' },
    model: { folder: shapesModelFolder() },
  };
  return benchCase(
    {
      name: `unet-miniature-${work}`,
      title: `The miniature's UNet, ${batch} rows, ${workTitle[work]}`,
      group: 'quick',
    },
    [ours(context, 'unet.ts', settings), ...bothLayouts(context, 'unet.py', settings)],
    [
      { measure: 'total', against: EAGER },
      { measure: 'peakMegabytes', against: EAGER },
    ],
    { operations: { total: batch * workOperations(work)({ config, latentSize, tokens }) } },
  );
}

function unetLarge(context: Context, work: UNetWork, precision: Precision): BenchCase {
  const { config, latentSize, tokens, gigabytes } = context.sizes.large;
  const batch = work === 'forward' ? 2 : 1;
  const settings = {
    ...{ work, batch, latentSize, tokens, loraRank: 4, precision },
    model: { config },
  };
  return benchCase(
    {
      name: `unet-sd15-${work}${suffixOf(precision)}`,
      title: `Stable Diffusion 1.5's UNet, ${batch} of ${8 * latentSize} pixels, ${workTitle[work]}, ${precision}`,
      group: 'full',
    },
    [ours(context, 'unet.ts', settings), ...bothLayouts(context, 'unet.py', settings)],
    [
      {
        measure: 'total',
        against: EAGER,
        target: work === 'forward' && precision === 'float32' ? 1.3 : 1.2,
      },
      peakMemory(EAGER),
    ],
    {
      operations: { total: batch * workOperations(work)({ config, latentSize, tokens }) },
      ...{ precision, gigabytesEach: gigabytes[work] },
    },
  );
}

function decoderLarge(context: Context, precision: Precision): BenchCase {
  const { gigabytes, ...size } = context.sizes.largeDecoder;
  const { batch, latentSize } = size;
  const settings = { ...size, precision };
  return benchCase(
    {
      name: `vae-decode-sd15${suffixOf(precision)}`,
      title: `Stable Diffusion 1.5's decoder, ${batch} of ${8 * latentSize} pixels, ${precision}`,
      group: 'full',
    },
    [ours(context, 'vae.ts', settings), ...bothLayouts(context, 'vae.py', settings)],
    [{ measure: 'total', against: EAGER, target: 1.2 }, peakMemory(EAGER)],
    {
      operations: { total: batch * decoderOperations(size) },
      ...{ precision, gigabytesEach: gigabytes },
    },
  );
}

/** The model of a case at its real size: on disk the full-size one, and to try out the suite the shipped one. */
function modelOf({ smoke, modelCache }: Context, dtype: FullSizeModel['dtype']) {
  const model = smoke ? undefined : stableDiffusion15(modelCache, dtype);
  return { model, folder: model?.folder ?? shapesModelFolder() };
}

function iterationLarge(context: Context, precision: Precision): BenchCase {
  const { largeIteration: size, large, largeDecoder } = context.sizes;
  const { model, folder } = modelOf(context, 'F16');
  const settings = {
    ...{ ...size, updates: 2, guidance: 7.5, loraRank: 4, learningRate: 3e-4, precision },
    ...{ promptFile: context.promptFile, model: folder },
  };
  const images = size.prompts * size.k;
  // Guidance takes two rows for each image.
  const rows = images * size.steps * 2;
  const rollout = rows * unetOperations(large);
  const update = rows * adapterGradientOperations(large);
  const decode = images * decoderOperations(largeDecoder);
  return benchCase(
    {
      name: `iteration-sd15${suffixOf(precision)}`,
      title: `An iteration on Stable Diffusion 1.5, ${images} images of ${8 * large.latentSize} pixels, ${size.steps} steps, two optimizer steps, ${precision}`,
      group: 'full',
    },
    [
      ours(context, 'iteration.ts', settings),
      python(context, PYTORCH, 'iteration_pytorch.py', { ...settings, compile: false }),
    ],
    [
      { measure: 'total', against: [PYTORCH], target: 1.2 },
      { measure: 'rollout', against: [PYTORCH] },
      { measure: 'decode', against: [PYTORCH] },
      { measure: 'update', against: [PYTORCH] },
      peakMemory([PYTORCH]),
    ],
    {
      operations: { rollout, decode, update, total: rollout + decode + update },
      ...{ precision, model },
    },
  );
}

function startLarge(context: Context, dtype: FullSizeModel['dtype']): BenchCase {
  const { prompts, k, steps } = context.sizes.largeIteration;
  const { model, folder } = modelOf(context, dtype);
  const settings = {
    // An image at a time: what is waited for is the step of one.
    ...{ prompts, k, steps, batch: 1, guidance: 7.5, loraRank: 4 },
    ...{ promptFile: context.promptFile, model: folder },
  };
  const files = dtype === 'F32' ? 'float32' : 'float16';
  return benchCase(
    {
      name: `start-sd15${dtype === 'F32' ? '' : '-float16'}`,
      title: `From nothing to the first denoise step of Stable Diffusion 1.5, ${files} files`,
      group: 'full',
    },
    [
      { ...ours(context, 'start.mjs', settings), runtime: 'built' },
      ...bothLayouts(context, 'start_diffusers.py', settings),
    ],
    [{ measure: 'total', against: EAGER, target: 1 }, peakMemory(EAGER)],
    { measuresStart: true, model },
  );
}

/** At real sizes, where the libraries' own memory is little beside the model's: at most 1.1 times as much as theirs. */
function peakMemory(against: readonly string[]): Comparison {
  return { measure: 'peakMegabytes', against, target: 1 / 1.1 };
}

function suffixOf(precision: Precision): string {
  return precision === 'float32' ? '' : `-${precision}`;
}

function workOperations(work: UNetWork) {
  return work === 'forward' ? unetOperations : adapterGradientOperations;
}

function blocks(context: Context): BenchCase {
  const settings = context.sizes.blocks;
  const measures = [
    'residual block forward',
    'residual block gradient',
    'transformer block forward',
    'transformer block gradient',
  ];
  const { batch, channels, size } = settings;
  return benchCase(
    {
      name: 'blocks',
      title: `A UNet's blocks on ${batch}×${size}×${size}×${channels}`,
      group: 'quick',
    },
    [ours(context, 'blocks.ts', settings), ...bothLayouts(context, 'blocks.py', settings)],
    measures.map((measure) => ({ measure, against: EAGER })),
  );
}

/** The operation that the machine is measured by, in each precision. */
export const SQUARE_PRODUCT = 'matrix product, square';

function operations(
  context: Context,
  name: string,
  group: CaseGroup,
  sizes: Sizes['operations'],
  precision: Precision = 'float32',
): BenchCase {
  const { batch, channels, size, matrix } = sizes;
  const settings = { ...sizes, precision };
  const pixels = batch * size * size;
  const measures = [
    SQUARE_PRODUCT,
    'matrix product, tokens',
    'convolution 3×3',
    'group norm and SiLU',
    'softmax attention',
    'GEGLU',
  ];
  return benchCase(
    { name, title: `Operations on ${batch}×${size}×${size}×${channels}, ${precision}`, group },
    [ours(context, 'operations.ts', settings), ...bothLayouts(context, 'operations.py', settings)],
    measures.map((measure) => ({ measure, against: EAGER })),
    {
      precision,
      operations: {
        [SQUARE_PRODUCT]: 2 * matrix ** 3,
        'matrix product, tokens': 2 * pixels * channels * 4 * channels,
        'convolution 3×3': 2 * pixels * 9 * channels ** 2,
        'softmax attention': 4 * batch * (size * size) ** 2 * channels,
      },
    },
  );
}

function webAssembly(context: Context): BenchCase {
  const { latentSize, tokens } = context.sizes.miniature;
  const settings = {
    ...{ work: 'forward', batch: 4, latentSize, tokens, loraRank: 4, precision: 'float32' },
    model: { folder: shapesModelFolder() },
  };
  const native = ours(context, 'unet.ts', settings);
  return benchCase(
    { name: 'wasm', title: "The miniature's UNet, 4 rows, forward pass", group: 'full' },
    [native, { ...native, name: 'WebAssembly', settings: { ...settings, device: 'wasm' } }],
    [{ measure: 'total', against: ['WebAssembly'] }],
  );
}

/** Ours alone: an image's denoise step should cost the same however many there are. */
function scaling(context: Context): BenchCase[] {
  const { ours: own } = iterationSettings(context, 1);
  const { scaling: series } = context.sizes;
  const point = (name: string, value: number, changed: Partial<typeof own>): BenchCase => {
    const settings = { ...own, ...changed };
    const samples = settings.prompts * settings.k * settings.steps;
    return benchCase(
      {
        name: `scaling-${name.replaceAll(' ', '-')}-${value}`,
        title: `An iteration with ${name} ${value}`,
        group: 'full',
      },
      [ours(context, 'iteration.ts', settings)],
      [],
      { scaling: { series: name, value, samples } },
    );
  };
  return [
    ...series.k.map((k) => point('k', k, { k })),
    ...series.steps.map((steps) => point('steps', steps, { steps })),
    ...series.batch.map((batch) => point('batch', batch, { batch })),
    ...series.latentSize.map((latentSize) =>
      point('latent size', latentSize, { latentSize } as Partial<typeof own>),
    ),
  ];
}
