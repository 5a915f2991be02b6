import {
  notApplicable,
  type Reward,
  type RewardBatch,
  type RewardResult,
  type ScoreOptions,
} from '../reward';
import { embedInBatches } from './embed-in-batches';
import { batchSizeOf, finiteScore, type NeuralRewardOptions, versionOf } from './neural-options';
import { nounPhrases } from './noun-phrases';
import { type Floats, rowsOf } from './onnx-model';
import { requireSetting } from './require-setting';

export interface BlipVqaOptions extends NeuralRewardOptions {
  /** The things that a prompt names; {@link nounPhrases} when left out. */
  readonly chunks?: ((prompt: string) => readonly string[]) | undefined;
  /** Names what `chunks` does, for caches; needed where `chunks` is given. */
  readonly chunksVersion?: string | undefined;
}

/** Phrases that name a place and no thing, dropped by T2I-CompBench. */
const PLACES = new Set(['top', 'the side', 'the left', 'the right']);
const MAXIMUM_CHUNKS = 8;

/** As BLIP cleans a question: lower case, without these marks, at most 50 words. */
function cleanQuestion(question: string): string {
  const clean = question
    .toLowerCase()
    .replace(/[.!"()*#:;~]/g, '')
    .trimEnd();
  return clean.split(' ').slice(0, 50).join(' ');
}

/** The same picture for each of `count` questions. */
function repeat({ data, dims }: Floats, count: number): Floats {
  const repeated = new Float32Array(data.length * count);
  for (let index = 0; index < count; index++) repeated.set(data, index * data.length);
  return { data: repeated, dims: [count, ...dims.slice(1)] };
}

/** P(yes) / (P(yes) + P(no)) from both logits, in which all other answers cancel. */
function probabilityOfYes(no: number, yes: number): number {
  return 1 / (1 + Math.exp(no - yes));
}

/**
 * Whether an image shows each thing that its prompt names with what it says of it: the product of BLIP's
 * P(yes) / (P(yes) + P(no)) for the question "{chunk}?", over at most eight noun phrases. T2I-CompBench's attribute
 * binding (Huang et al. 2023), section 4.1, without its rounding of each probability to four digits.
 *
 * It does not apply to a prompt in which no thing is found: the product of nothing would be a perfect score.
 *
 * @returns a reward in [0, 1], whose components are the probabilities by chunk
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function blipVqa(options: BlipVqaOptions): Promise<Reward> {
  const name = 'blip-vqa';
  const { chunks = nounPhrases, chunksVersion } = options;
  if ((options.chunks === undefined) !== (chunksVersion === undefined)) {
    throw new Error(`Reward "${name}" takes chunks and chunksVersion together, or neither`);
  }
  const batchSize = batchSizeOf(options);
  // Straight to the model's square, whatever the picture's shape.
  const { openBlipModel } = await import('./blip-model');
  const blip = await openBlipModel(name, options, 'answer_logits', (preprocessing) => ({
    ...preprocessing,
    fit: { kind: 'stretch' },
  }));

  async function scoreOne(
    picture: Floats,
    questions: readonly string[],
    firstToken: number,
  ): Promise<RewardResult> {
    const asked = questions.map((chunk) => cleanQuestion(`${chunk}?`));
    const logits = await blip.readTexts(asked, repeat(picture, asked.length), firstToken);
    const rows = rowsOf(logits, asked.length);
    const probabilities = rows.map(([no, yes]) => probabilityOfYes(no!, yes!));
    return finiteScore(
      probabilities.reduce((product, probability) => product * probability, 1),
      Object.fromEntries(questions.map((chunk, index) => [chunk, probabilities[index]!])),
    );
  }

  try {
    const firstToken = requireSetting(name, blip.settings, 'encoderTokenId');
    return {
      name,
      version: versionOf('1', blip.sha256, chunksVersion ?? 'noun-phrases-1'),
      range: [0, 1],
      batchSize,
      async score({ images, prompts }: RewardBatch, { signal }: ScoreOptions = {}) {
        const items = images.map((image, index) => {
          const found = chunks(prompts[index]!).filter((chunk) => !PLACES.has(chunk.toLowerCase()));
          return { image, prompt: prompts[index]!, questions: found.slice(0, MAXIMUM_CHUNKS) };
        });
        const askable = items.filter(({ questions }) => questions.length > 0);
        const encode = async (batch: readonly (typeof items)[number][]) => {
          const embeds = await blip.encodeImages(batch.map(({ image }) => image));
          const results: RewardResult[] = [];
          for (const [index, row] of rowsOf(embeds, batch.length).entries()) {
            const picture = { data: row, dims: [1, ...embeds.dims.slice(1)] };
            results.push(await scoreOne(picture, batch[index]!.questions, firstToken));
          }
          return results;
        };
        const scored = await embedInBatches(askable, batchSize, encode, signal);
        const results = new Map(askable.map((item, index) => [item, scored[index]!]));
        return items.map((item) => results.get(item) ?? noChunks(item.prompt));
      },
      dispose: blip.dispose,
    };
  } catch (error) {
    await blip.dispose();
    throw error;
  }
}

function noChunks(prompt: string): RewardResult {
  return notApplicable(
    `The prompt ${JSON.stringify(prompt.slice(0, 80))} names no thing to ask for; expected such as "a red car".`,
  );
}
