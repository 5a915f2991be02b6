/** `docs/performance.md` from a run's results. */
import { formatMeasure, formatQuantity } from '../table';
import { benchCases } from '../cases';
import type { CaseResult, Results, WorkerResult } from '../results';
import { medianOf, type ComparedRow } from '../compare';
import {
  machineRate,
  measuredCases,
  phaseRows,
  PHASES,
  processorKind,
  rateRows,
  ratioRows,
  scalingRows,
} from './facts';

/** Paths of the charts as the page links them; left out where there is nothing to draw. */
export interface ChartLinks {
  readonly ratios?: string;
  readonly phases?: string;
  readonly scaling?: string;
}

/** A run with the charts that were drawn of it. */
export interface ReportedRun {
  readonly results: Results;
  readonly charts: ChartLinks;
}

/** @param runs one for each kind of processor, in the order in which they are shown */
export function performancePage(runs: readonly ReportedRun[]): string {
  return joined([
    '# Performance',
    'Written by `npm run bench:report` from what the benchmark measured.',
    comparedSection(),
    ...runs.map(processorSection),
    repeatSection(),
  ]).concat('\n');
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

function processorSection({ results, charts }: ReportedRun): string {
  const { machine } = results;
  return joined([
    `## ${processorKind(machine).title}: ${machine.processor}, ${machine.cores} cores`,
    introduction(results),
    ratioSection(ratioRows(results), charts),
    phaseSection(results, charts),
    rateSection(results),
    memorySection(results),
    scalingSection(results, charts),
    missingSection(results),
  ]);
}

function introduction(results: Results): string {
  const { date, machine, device, rounds, smoke } = results;
  const { processor, instructionSets, cores, memoryGigabytes, system, node } = machine;
  const warning = smoke ? '**The smallest sizes: these numbers mean nothing.** ' : '';
  const where = device === 'gpu' ? 'on a GPU' : 'on the processor, without a GPU';
  const instructions = instructionSets.length === 0 ? '' : ` with ${instructionSets.join(', ')}`;
  const versions = versionsOf(results).map((line) => `- ${line}`);
  return `${warning}Measured on ${date.slice(0, 10)} ${where}: ${processor}${instructions}, ${cores} cores, ${memoryGigabytes} GB, ${system}, Node ${node}; medians of ${rounds} ${rounds === 1 ? 'repetition' : 'repetitions'}.

${versions.join('\n')}`;
}

function comparedSection(): string {
  return `## What was compared, and how

An iteration is LOOP's, or DDPO's, on the [miniature](../packages/shapes-benchmark/model/README.md): 8 prompts with 4 images each, 20 denoise steps, guidance 5, JPEG incompressibility as the reward, LoRA of rank 4 on all attention projections, every denoise step trained with guidance, AdamW. Everything is float32 where bfloat16 is not named.

- **loop-diffusion** is the trainer's own code, with the configuration that a user would write.
- **TRL** is \`DDPOTrainer.step\` with its defaults, all images sampled in one batch.
- **PyTorch** is the same work written by hand, as fast as we could make it: LoRA merged into the weights while sampling, both branches of guidance in one batch, four denoise steps of each image in a backward pass. Single operations, blocks and UNets are eager PyTorch in both memory layouts, of which the faster one counts.
- **At real size** the model is Stable Diffusion 1.5 with random weights and 512 pixels. An iteration there is of one prompt with 2 images, 4 denoise steps, guidance 7.5 and two optimizer steps; PyTorch's backward passes take one pair of image and step each. In bfloat16, which is autocast's, it keeps LoRA apart while sampling, for merged and rounded it is another policy, and rounds the frozen weights once. A start is from the start of the process, with the files in the cache, to the end of the first denoise step, with LoRA; diffusers reads the same files.

Each runs in a process of its own on all cores. The processes take turns, one repetition each, so that a drift of the machine meets all alike; the first round is not counted. After random numbers were put into LoRA's weights, every ratio π/π_old of the first optimizer step must be within 1e-4 of 1 in each of them: a shortcut that changes the policy is not a shortcut.`;
}

function versionsOf(results: Results): string[] {
  const known = new Map<string, Record<string, string>>();
  for (const { name, versions } of measuredCases(results).flatMap(({ workers }) => workers)) {
    known.set(name, { ...known.get(name), ...versions });
  }
  return [...known].map(([name, versions]) => {
    const parts = Object.entries(versions).map(([part, version]) =>
      part === 'backend' ? version : `${part} ${version}`,
    );
    return `${name}: ${parts.join(', ')}`;
  });
}

function ratioSection(rows: readonly ComparedRow[], { ratios }: ChartLinks): string {
  if (rows.length === 0) return '### Ratios\n\nPython was not there to compare with.';
  const lines = rows.map((row) => [
    row.caseName,
    formatMeasure(row.measure),
    row.rival,
    formatQuantity(row.ours, row.measure),
    formatQuantity(row.theirs, row.measure),
    `**${row.ratio.toFixed(2)}** (${row.spread[0].toFixed(2)} – ${row.spread[1].toFixed(2)})`,
    row.target === undefined
      ? ''
      : `${row.target.toFixed(2)}${row.met === true ? '' : ', not met'}`,
  ]);
  return `### Ratios

Theirs divided by ours, so that above 1 ours is faster, or smaller. In brackets the quartiles of the rounds' own ratios.

${image('Ratios', ratios)}${table(['case', 'measure', 'against', 'ours', 'theirs', 'ratio', 'target'], lines)}`;
}

function phaseSection(results: Results, { phases }: ChartLinks): string {
  const rows = phaseRows(results);
  if (rows.length === 0) return '';
  const keys = [...new Set(rows.map(({ caseName, worker }) => `${caseName}\n${worker}`))];
  const lines = keys.map((key) => {
    const own = rows.filter(({ caseName, worker }) => `${caseName}\n${worker}` === key);
    return [...key.split('\n'), ...own.map(({ seconds }) => formatQuantity(seconds, 'total'))];
  });
  return `### Phases

${image('Phases', phases)}${table(['case', '', ...PHASES], lines)}`;
}

function rateSection(results: Results): string {
  const rows = rateRows(results);
  if (rows.length === 0) return '';
  const lines = rows.map((row) => [
    ...[row.caseName, row.measure, row.worker, row.rate.toFixed(0)],
    row.fraction === undefined ? '' : `${(100 * row.fraction).toFixed(0)} %`,
  ]);
  return `### Fraction of the machine's matmul rate

${machineRates(results)} Counted are two operations for each weight of a convolution or linear layer at each place, and attention's products; a gradient of LoRA counts as two forward passes. What is done once per number, as norms and activations, counts as nothing, so that no model reaches all of it; a convolution that needs fewer operations than were counted may exceed it.

${table(['case', 'measure', '', 'GFLOP/s', 'of the rate'], lines)}`;
}

function machineRates(results: Results): string {
  const said = (['float32', 'bfloat16'] as const).flatMap((precision) => {
    const rate = machineRate(results, precision);
    return rate === undefined ? [] : `${rate.toFixed(0)} GFLOP/s in ${precision}`;
  });
  if (said.length === 0) return 'How fast the machine multiplies large matrices was not measured.';
  return `The machine multiplies large matrices at ${said.join(' and ')}, the better of both sides.`;
}

function memorySection(results: Results): string {
  const cases = measuredCases(results).filter(
    ({ scaling, workers }) => scaling === undefined && workers.length > 1,
  );
  if (cases.length === 0) return '';
  const lines = cases.flatMap(({ name, workers }) =>
    workers.map((worker) => [name, worker.name, formatPeak(worker)]),
  );
  return `### Memory

The most that a process has held at once (peak resident set), libraries included.

${table(['case', '', 'peak'], lines)}`;
}

function formatPeak(worker: WorkerResult): string {
  return formatQuantity(medianOf(worker, 'peakMegabytes'), 'peakMegabytes');
}

function scalingSection(results: Results, { scaling }: ChartLinks): string {
  const rows = scalingRows(results);
  if (rows.length === 0) return '';
  const lines = rows.map((row) => [
    ...[row.series, String(row.value)],
    formatQuantity(row.milliseconds / 1000, 'total'),
  ]);
  return `### Scaling

Seconds of an iteration per image and denoise step, ours alone, one size changed at a time. A latent of 16 has four times the pixels of one of 8.

${image('Scaling', scaling)}${table(['size', '', 'per image and step'], lines)}`;
}

function repeatSection(): string {
  return `## Measuring again

\`\`\`bash
npm run bench          # some minutes
npm run bench:full     # with Stable Diffusion 1.5's UNet, torch.compile, scaling
npm run bench -- --only iteration-1 --rounds 3
npm run bench:report -- runs/bench/results.json    # several files where several kinds of processors were measured
\`\`\`

Python and the pinned packages of \`tools/bench/python/requirements.txt\` go into this user's cache at the first run; \`LOOP_DIFFUSION_BENCH_PYTHON\` names a Python that has them. Without Python ours runs alone.`;
}

function missingSection({ device, cases }: Results): string {
  const files = { promptFile: '', modelCache: '' };
  const known = benchCases({ device, smoke: false, ...files }).map(({ name }) => name);
  const absent = known.filter((name) => !cases.some((result) => result.name === name));
  const failed = cases.filter(
    (result): result is CaseResult & { failure: string } => result.failure !== undefined,
  );
  const gpu =
    device === 'gpu'
      ? []
      : ['A GPU: nothing here was run on one. `npm run bench -- --device gpu` does it.'];
  const lines = [
    ...gpu,
    ...failed.map(({ name, failure }) => `${name} failed: ${failure}`),
    ...(absent.length === 0 ? [] : [`Not part of this run: ${absent.join(', ')}.`]),
  ];
  if (lines.length === 0) return '';
  return `### Not measured\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

function image(title: string, path: string | undefined): string {
  return path === undefined ? '' : `![${title}](${path})\n\n`;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(head), row(head.map(() => '---')), ...lines.map(row)].join('\n');
}
