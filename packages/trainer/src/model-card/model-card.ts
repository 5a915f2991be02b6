/** The page that a hub of models shows for an adapter, or for a UNet that was trained as a whole. */
import { stringify } from 'yaml';

import { nameOfMethod } from '../configuration/chosen-method';
import type { TrainConfig } from '../configuration/schema';
import type { CutOffPrompts } from '../prompts/cut-off-prompts';
import { capitalized, evaluatedPrompts, evaluatedReward } from '../run-folder/evaluation-words';
import type { EvaluationRecord, RunSummary } from '../run-folder/records';
import type { PairedGain } from '../statistics';
import { briefMean, durationInWords, signedWithError, withError } from '../terminal/words';
import { codeSpan, oneLine, pythonText, shellWord } from './quoting';

export interface ModelCardFacts {
  readonly config: TrainConfig;
  readonly summary: RunSummary;
  /** The base model's name on the Hugging Face Hub, such as `owner/name`, where it is known. */
  readonly baseModel?: string | undefined;
  /** Where the base model is, as seen from the card's folder: for Python, and for `--model`. */
  readonly base: { readonly python: BaseForPython; readonly commandLine: string };
  /** Pictures by the fine-tuned model; files are named as the card sees them. */
  readonly pictures: readonly { readonly prompt: string; readonly file: string }[];
  /** The base beside the fine-tuned model. */
  readonly samples?: string | undefined;
  readonly curves?: string | undefined;
}

/** What `from_pretrained` takes. */
export interface BaseForPython {
  /** A name on the Hub, or a folder. */
  readonly name: string;
  readonly revision?: string | undefined;
}

const HOME = 'https://github.com/loop-diffusion/loop-diffusion';

/** @returns Markdown with the Hub's metadata as YAML at its top */
export function modelCard(facts: ModelCardFacts): string {
  const { config, summary, samples, curves } = facts;
  const measured = summary.evaluation.after ?? summary.evaluation.before;
  const title = `${codeSpan(facts.baseModel ?? config.model)}, fine-tuned with ${nameOfMethod(config.algorithm.name).toUpperCase()}`;
  const early = summary.interrupted
    ? ` The run was ended after ${String(summary.iterations)} of ${String(config.iterations)} iterations.`
    : '';
  return (
    [
      `---\n${metadata(facts)}---`,
      `# ${title}`,
      `${config.lora === null ? 'A UNet' : 'A LoRA adapter'} for Stable Diffusion, made by reinforcement learning on ${rewardsText(config)} with [loop-diffusion](${HOME}).${early}`,
      ...(facts.pictures.length > 0 ? ['<Gallery />'] : []),
      '## Use',
      ...usage(facts),
      '## Result',
      ...result(summary),
      ...(samples === undefined
        ? []
        : [
            `![${capitalized(evaluatedPrompts(measured))}: the base model beside the fine-tuned one](${samples})`,
          ]),
      ...(curves === undefined ? [] : [`![Curves of the run](${curves})`]),
      '## Training',
      table(['', ''], trainingRows(facts)),
    ].join('\n\n') + '\n'
  );
}

/** See https://huggingface.co/docs/hub/model-cards. The licence is for whoever uploads the model to choose. */
function metadata({ config, baseModel, pictures }: ModelCardFacts): string {
  const isAdapter = config.lora !== null;
  const data = {
    // The Hub takes names of its own models only, not folders.
    ...(baseModel === undefined ? {} : { base_model: oneLine(baseModel) }),
    // That of an adapter follows from its tag.
    ...(baseModel === undefined || isAdapter ? {} : { base_model_relation: 'finetune' }),
    library_name: 'diffusers',
    pipeline_tag: 'text-to-image',
    tags: [
      ...(isAdapter ? ['lora'] : []),
      'text-to-image',
      'diffusers',
      'reinforcement-learning',
      'loop-diffusion',
    ],
    ...(pictures.length === 0
      ? {}
      : {
          widget: pictures.map(({ prompt, file }) => ({
            text: oneLine(prompt),
            output: { url: file },
          })),
        }),
  };
  // Texts as in JSON, so that each stays on its line and no "---" can end the metadata.
  return stringify(data, {
    lineWidth: 0,
    defaultKeyType: 'PLAIN',
    defaultStringType: 'QUOTE_DOUBLE',
    doubleQuotedAsJSON: true,
  });
}

function usage({ config, base: { python, commandLine }, pictures }: ModelCardFacts): string[] {
  const { steps, eta, guidance } = config.sampler;
  const prompt = pictures[0]?.prompt ?? 'a red circle';
  const revision = python.revision === undefined ? '' : `, revision=${pythonText(python.revision)}`;
  const base = `${pythonText(python.name)}${revision}`;
  const useDdim = 'pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)';
  const load =
    config.lora === null
      ? [
          'from diffusers import DDIMScheduler, DiffusionPipeline, UNet2DConditionModel',
          '',
          'unet = UNet2DConditionModel.from_pretrained(".")',
          `pipeline = DiffusionPipeline.from_pretrained(${base}, unet=unet)`,
          useDdim,
        ]
      : [
          'from diffusers import DDIMScheduler, DiffusionPipeline',
          '',
          `pipeline = DiffusionPipeline.from_pretrained(${base})`,
          useDdim,
          'pipeline.load_lora_weights(".")',
        ];
  return [
    'In this folder, with diffusers (on the Hub, its name there takes the place of `"."`):',
    code('python', [
      ...load,
      'image = pipeline(',
      `    ${pythonText(prompt)}, num_inference_steps=${String(steps)}, guidance_scale=${String(guidance)}, eta=${String(eta)}`,
      ').images[0]',
    ]),
    'With loop-diffusion:',
    code('sh', [
      [
        `npx -p @loop-diffusion/trainer loop-diffusion sample --model ${shellWord(commandLine)} ${config.lora === null ? '--unet' : '--lora'} . --prompt ${shellWord(prompt)}`,
        `  --steps ${String(steps)} --eta ${String(eta)} --guidance ${String(guidance)} --out drawn`,
      ].join(' \\\n'),
    ]),
    ...(config.lora === null
      ? []
      : [
          'ComfyUI and the web UIs take the adapter in the layout of kohya:',
          code('sh', [
            `npx -p @loop-diffusion/trainer loop-diffusion convert-lora --model ${shellWord(commandLine)} --lora . --to kohya --out kohya.safetensors`,
          ]),
        ]),
    'These are the settings of the training; at another guidance scale its gain may not hold.',
  ];
}

type Row = [string, EvaluationRecord];

function isMade(row: [string, EvaluationRecord | undefined]): row is Row {
  return row[1] !== undefined;
}

function result({ evaluation }: RunSummary): string[] {
  const { before, after, gain, best } = evaluation;
  const rows = Object.entries({ before, after }).filter(isMade);
  const bestRows = Object.entries({ before: best?.before, after: best?.after })
    .filter(isMade)
    .map(([when, record]): Row => [
      `${when}, at its best guidance ${String(record.settings.guidance)}`,
      record,
    ]);
  const last = after ?? before;
  if (last === undefined) return ['The run made no evaluation.'];
  const families = Object.keys(last.families);
  const { steps, eta, guidance } = last.settings;
  const cells = ([name, record]: Row): string[] => [
    name,
    withError(record.mean, record.standardError),
    ...families.map((family) => briefMean(record.families[family]?.mean)),
  ];
  const gainCells = (paired: PairedGain | undefined): string[][] =>
    paired === undefined
      ? []
      : [
          [
            '**paired gain**',
            `**${signedWithError(paired.mean, paired.standardError)}**`,
            ...families.map(() => ''),
          ],
        ];
  return [
    `Mean reward ± standard error over ${String(last.count)} images of ${evaluatedPrompts(last)}, each from the same noise, in ${String(steps)} steps with η ${String(eta)} at guidance ${String(guidance)}.`,
    table(
      [evaluatedReward(last), 'all', ...families.map(codeSpan)],
      [...rows.map(cells), ...gainCells(gain), ...bestRows.map(cells), ...gainCells(best?.gain)],
    ),
  ];
}

function trainingRows({ config, summary, baseModel }: ModelCardFacts): string[][] {
  const { algorithm, batch, sampler, lora, optimizer, ema } = config;
  const images = batch.prompts * algorithm.k;
  const seconds = Object.values(summary.seconds).reduce((sum, phase) => sum + phase, 0);
  return [
    ['base model', codeSpan(baseModel ?? config.model)],
    ['reward', rewardsText(config)],
    ['prompts', codeSpan(config.prompts)],
    ...(summary.cutOffPrompts === undefined
      ? []
      : [['prompts longer than the model reads', cutOffRow(summary.cutOffPrompts)]]),
    [
      'algorithm',
      `${algorithm.name}, k = ${String(algorithm.k)}, ${String(algorithm.innerUpdates)} updates an iteration`,
    ],
    [
      'iterations',
      `${String(summary.iterations)} of ${String(images)} images for ${String(batch.prompts)} prompts`,
    ],
    [
      'sampler',
      `DDIM, ${String(sampler.steps)} steps, η ${String(sampler.eta)}, guidance ${String(sampler.guidance)}`,
    ],
    lora === null
      ? ['trained', 'all weights of the UNet']
      : [
          'LoRA',
          `rank ${String(lora.rank)}, alpha ${String(lora.alpha)}, on ${lora.targets.map(codeSpan).join(', ')}`,
        ],
    [
      'optimizer',
      `${optimizer.name}, learning rate ${String(optimizer.learningRate)}, ${optimizer.schedule}`,
    ],
    ...(ema === null
      ? []
      : [
          [
            'weights',
            `an exponential moving average over the run's optimizer steps, decay ${String(ema.decay)}`,
          ],
        ]),
    ['seed', String(config.seed)],
    ['time', durationInWords(seconds)],
    [
      'versions',
      Object.entries(summary.versions)
        .map(([name, version]) => codeSpan(`${name} ${version}`))
        .join(', '),
    ],
  ];
}

function cutOffRow({ count, prompt, lost }: CutOffPrompts): string {
  return `${String(count)}, such as ${codeSpan(prompt)}, whose end ${codeSpan(lost)} it never saw`;
}

function rewardsText({ rewards }: TrainConfig): string {
  return rewards
    .map(({ name, weight }) => (weight === 1 ? '' : `${String(weight)} × `) + codeSpan(name))
    .join(' + ');
}

function code(language: string, lines: readonly string[]): string {
  return ['```' + language, ...lines, '```'].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
