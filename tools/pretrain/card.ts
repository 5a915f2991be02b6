import { existsSync, readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { createNoiseSchedule, parseSchedulerConfig } from '@loop-diffusion/diffusion-mdp';
import { loadStableDiffusion } from '@loop-diffusion/diffusion-models';
import type { BackendChoice } from '@loop-diffusion/native-tensorflow';
import {
  allPrompts,
  evaluationPrompts,
  FAMILIES,
  type ShapesPrompt,
} from '@loop-diffusion/shapes-benchmark';
import type { AutoencoderPlan } from './autoencoder';
import { saveContactSheet } from './contact-sheet';
import type { DiffusionPlan } from './diffusion';
import { latentCount, sceneCount } from './scenes';
import {
  sampleImages,
  scoreImages,
  type SamplerSettings,
  type SamplingModel,
  type Scores,
} from './sampling';
import { writeWhole } from './state';

const seed = 1;
const imageCount = 256;

/** The settings that are scored; the first one is what fine-tuning starts from, and the examples are drawn with. */
const samplers: readonly SamplerSettings[] = [
  { steps: 10, eta: 1 },
  { steps: 10, eta: 0 },
  { steps: 20, eta: 1 },
].flatMap(({ steps, eta }) => [1, 2, 3, 5].map((guidance) => ({ steps, eta, guidance, seed })));

/** What the card states about one setting of the sampler. */
interface Evaluation {
  readonly settings: SamplerSettings;
  readonly scores: Scores;
}

type LogEntry = Readonly<Record<string, unknown>>;

/** Evaluates the exported folder (with its float16 weights) and writes its README.md. */
export async function writeModelCard(
  workFolder: string,
  modelFolder: string,
  plans: { autoencoder: AutoencoderPlan; diffusion: DiffusionPlan },
  backend: BackendChoice,
  report: (line: string) => void,
): Promise<void> {
  const model = await openModel(modelFolder);
  const prompts = evaluationPrompts(imageCount);
  const evaluations: Evaluation[] = [];
  const saved = join(workFolder, 'evaluations.json');
  const fingerprint = statSync(
    join(modelFolder, 'unet', 'diffusion_pytorch_model.safetensors'),
  ).mtimeMs;
  const before = existsSync(saved)
    ? (JSON.parse(readFileSync(saved, 'utf8')) as {
        fingerprint: number;
        evaluations: Evaluation[];
      })
    : null;
  if (before?.fingerprint === fingerprint) evaluations.push(...before.evaluations);
  const write = (): void => {
    const autoencoderLog = readLog(join(workFolder, 'autoencoder.jsonl'));
    const diffusionLog = readLog(join(workFolder, 'diffusion.jsonl'));
    writeWhole(
      join(modelFolder, 'README.md'),
      card({
        evaluations,
        autoencoderLog,
        diffusionLog,
        plans,
        backend,
        notes: readIfThere(join(workFolder, 'notes.md')),
        parity: readIfThere(join(workFolder, 'parity.txt')),
      }),
    );
  };
  for (const settings of samplers) {
    const isDone = evaluations.some(
      ({ settings: done }) => JSON.stringify(done) === JSON.stringify(settings),
    );
    if (isDone) continue;
    const images = sampleImages(
      model,
      prompts.map(({ text }) => text),
      settings,
    );
    const scores = scoreImages(images, prompts);
    evaluations.push({ settings, scores });
    writeWhole(saved, JSON.stringify({ fingerprint, evaluations }));
    write();
    report(`card: ${JSON.stringify({ ...settings, mean: scores.all.mean.toFixed(3) })}`);
  }
  await saveExamples(join(modelFolder, 'samples.png'), model);
  write();
}

async function openModel(folder: string): Promise<SamplingModel> {
  const model = await loadStableDiffusion({
    name: folder,
    read: (path) => Promise.resolve(new Uint8Array(readFileSync(join(folder, path)))),
    exists: (path) => Promise.resolve(existsSync(join(folder, path))),
  });
  return {
    unet: model.unet,
    vae: model.vae,
    textEncoder: model.textEncoder,
    tokenizer: model.tokenizer,
    schedule: createNoiseSchedule(parseSchedulerConfig(model.scheduler)),
    scalingFactor: model.vae.config.scalingFactor,
  };
}

/** Eight held-out prompts of each family, a family per row. */
async function saveExamples(path: string, model: SamplingModel): Promise<void> {
  const [settings] = samplers;
  if (settings === undefined) return;
  const texts = examplePrompts().map(({ text }) => text);
  await saveContactSheet(path, sampleImages(model, texts, settings));
}

function examplePrompts(): ShapesPrompt[] {
  const all = evaluationPrompts(imageCount);
  return FAMILIES.flatMap((family) => all.filter((prompt) => prompt.family === family).slice(0, 8));
}

function readLog(path: string): LogEntry[] {
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as LogEntry)
    : [];
}

function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

function card(facts: {
  evaluations: readonly Evaluation[];
  autoencoderLog: readonly LogEntry[];
  diffusionLog: readonly LogEntry[];
  plans: { autoencoder: AutoencoderPlan; diffusion: DiffusionPlan };
  backend: BackendChoice;
  notes: string | null;
  parity: string | null;
}): string {
  const { evaluations, autoencoderLog, diffusionLog, plans } = facts;
  const number = (value: unknown, digits: number): string =>
    typeof value === 'number' ? value.toFixed(digits) : '–';
  const last = (log: readonly LogEntry[], key: string): unknown =>
    log.findLast((entry) => entry[key] !== undefined)?.[key];
  const minutes = (log: readonly LogEntry[]): string =>
    number(Number(last(log, 'seconds')) / 60, 0);
  const scoreTable = table(
    ['steps', 'η', 'guidance', 'all', ...FAMILIES, '> 0.95'],
    evaluations.map(({ settings, scores }) => [
      String(settings.steps),
      String(settings.eta),
      String(settings.guidance),
      ...(['all', ...FAMILIES] as const).map(
        (family) =>
          `${scores[family].mean.toFixed(3)} ± ${scores[family].standardError.toFixed(3)}`,
      ),
      `${(100 * scores.nearlyPerfect).toFixed(0)} %`,
    ]),
  );
  const curve = table(
    ['images seen', 'loss', 'minutes', 'all', ...FAMILIES],
    diffusionLog
      .map((entry, index) => ({
        entry,
        before: diffusionLog.slice(0, index).findLast(({ loss }) => loss !== undefined),
      }))
      .filter(({ entry }) => entry['scores'] !== undefined)
      .map(({ entry, before }) => {
        const scores = entry['scores'] as Record<string, number>;
        return [
          String(entry['imagesSeen']),
          number(before?.['loss'], 4),
          number(Number(entry['seconds']) / 60, 0),
          ...['all', ...FAMILIES].map((family) => number(scores[family], 3)),
        ];
      }),
  );
  return `# The miniature Stable Diffusion of shapes-benchmark

A complete Stable Diffusion 1 at toy size, for 64×64 pictures of coloured shapes: CLIP text encoder (0.47 M parameters),
UNet2DConditionModel (4.28 M), AutoencoderKL (0.98 M), DDIM scheduler, in diffusers' folder layout with float16 weights.
It was made as the starting point of reinforcement learning: it draws what a prompt says about as often as not.

![Held-out prompts, a family per row](samples.png)

Rows: ${FAMILIES.join(', ')}; eight held-out prompts each, 10 steps, η 1, guidance 1, none picked:
${FAMILIES.map(
  (family) =>
    `${family}: ${examplePrompts()
      .filter((prompt) => prompt.family === family)
      .map(({ text }) => `“${text}”`)
      .join(', ')}.`,
).join('\n')}

## How it came about

\`npx nx run shapes-benchmark:pretrain\` (\`node -C @loop/source --import tsx tools/pretrain/main.ts\`), from random weights and
rendered scenes alone; no other data or model went in. Machine: ${String(cpus().length)} cores of ${cpus()[0]?.model.trim() ?? 'an unknown CPU'}, busy with
other work at the same time, no GPU; ${facts.backend.version}. Seed ${String(plans.diffusion.seed)}; random numbers are counter-based, so the data of a step
depend on the step alone.

- Data: ${String(sceneCount)} scenes rendered from the ${String(allPrompts().length)} prompts of \`allPrompts()\` (the UNet saw ${String(latentCount)} of them), families drawn with weights colour 0.2, shape
  0.15, texture 0.2, spatial 0.25, numeracy 0.2. Pretraining sees every colour–shape combination; only fine-tuning
  keeps half of them back for evaluation.
- Autoencoder: ${String(plans.autoencoder.cropImages)} crops of 32×32 on the 8-pixel grid in batches of ${String(plans.autoencoder.cropBatch)}, then ${String(plans.autoencoder.wholeImages)} whole scenes in batches of ${String(plans.autoencoder.wholeBatch)};
  squared plus 0.3 × absolute error plus ${String(plans.autoencoder.klWeight)} × KL, Adam ${String(plans.autoencoder.learningRate)} with a cosine decay over the second half, running average of
  the weights; ${minutes(autoencoderLog)} minutes. Reconstructions of 256 scenes: ${number(last(autoencoderLog, 'psnr'), 1)} dB, mean reward ${number(last(autoencoderLog, 'score'), 3)} (scenes as rendered: 1).
- UNet and text encoder together: ${String(last(diffusionLog, 'imagesSeen'))} images in batches of ${String(plans.diffusion.batch)}, noise prediction on the scaled posterior means,
  Adam ${String(plans.diffusion.learningRate)} with warm-up and a cosine decay over the last ${String(100 * plans.diffusion.decayShare)} %, running average ${String(plans.diffusion.averageDecay)},
  loss weighted down above a signal-to-noise ratio of ${String(plans.diffusion.snrLimit)} (min-SNR), ${String(100 * plans.diffusion.promptDropout)} % empty prompts; ${minutes(diffusionLog)} minutes.
  The course of it, with the mean reward of 100 held-out prompts (256 in the last row; 10 steps, η 1, guidance 1):

${curve}
${facts.notes === null ? '' : `\n${facts.notes}\n`}
## What it scores

Mean reward ± standard error of the ${String(imageCount)} held-out evaluation prompts (\`evaluationPrompts(${String(imageCount)})\`), one picture each, the same
noise in every row, weights as shipped.

${scoreTable}

Fine-tuning starts from 10 steps, η 1, guidance 1; a fair comparison of its result also looks at the best row here.

${
  facts.parity === null
    ? ''
    : `## In Python

\`StableDiffusionPipeline.from_pretrained\` loads this folder. From the same prompts, latents and noise it draws the same
pictures; \`tools/parity\` has the script, which printed, for eight pictures each:

\`\`\`
${facts.parity}
\`\`\`

`
}## Limits

- It knows the words of the grammar and nothing else, 64×64 pixels, one to four objects; prompts are cut at 16 tokens.
- Left and right, above and below are often confused; counts of three and four are often off by one; corners are soft and
  colours bleed between neighbours.
- Textures were only seen on single objects.
- One training run with one seed. The reward on held-out prompts was watched while it ran and while settings were chosen.

## Licence

MIT, as the rest of this repository; the weights were trained on pictures that this repository's own code draws.
`;
}
