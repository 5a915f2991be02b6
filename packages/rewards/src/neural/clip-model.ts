import type { Image } from '../image';
import { openTogether } from '../open-together';
import { embedInBatches } from './embed-in-batches';
import { openImageEncoder } from './image-encoder';
import { openModelFiles } from './model-files';
import { batchSizeOf, type NeuralRewardOptions } from './neural-options';
import { openOnnxModel, outputNamed, rowsOf } from './onnx-model';
import { type Preprocessing, readPreprocessing } from './preprocess';
import type { RewardSettings } from './require-setting';
import { readRewardSettings } from './reward-settings';
import { openTextTokenizer } from './text-tokenizer';

/** Both halves of a CLIP, and what they embed. Embeddings are not normalised. */
export interface ClipModel {
  readonly settings: RewardSettings;
  /** Of all files that the model was read from. */
  readonly sha256: string;
  embedImages(images: readonly Image[], signal?: AbortSignal): Promise<Float32Array[]>;
  /** The same text is embedded once, however often it occurs. */
  embedTexts(texts: readonly string[], signal?: AbortSignal): Promise<Float32Array[]>;
  readonly dispose: () => Promise<void>;
}

export interface ClipParts {
  /** Changes how pictures are prepared from what the model's `preprocessor_config.json` says. */
  readonly adjust?: ((preprocessing: Preprocessing) => Preprocessing) | undefined;
}

const VISION = 'onnx/vision_model.onnx';
const TEXT = 'onnx/text_model.onnx';

/** CLIP's vision half: pixels to `image_embeds`. */
async function openVision(reward: string, options: NeuralRewardOptions, { adjust }: ClipParts) {
  const batchSize = batchSizeOf(options);
  const files = await openModelFiles(reward, options.model, options.rewardFile);
  const settings = await readRewardSettings(files);
  const read = await readPreprocessing(files);
  const preprocessing = adjust === undefined ? read : adjust(read);
  const graph = { files, path: VISION, outputs: ['image_embeds'], preprocessing };
  const encoder = await openImageEncoder(reward, graph, options);
  return {
    files,
    settings,
    batchSize,
    embedImages: (images: readonly Image[], signal?: AbortSignal) =>
      embedInBatches(images, batchSize, encoder.embed, signal),
    dispose: encoder.dispose,
  };
}

/** For rewards that look at the picture alone: the text half is neither needed nor read. */
export async function openClipVision(
  reward: string,
  options: NeuralRewardOptions,
  parts: ClipParts = {},
): Promise<Omit<ClipModel, 'embedTexts'>> {
  return openTogether(async (keep) => {
    const { files, ...vision } = keep(await openVision(reward, options, parts));
    return { ...vision, sha256: await files.sha256() };
  });
}

/** @throws {Error} in one sentence when a library or a file is missing or not as expected */
export async function openClipModel(
  reward: string,
  options: NeuralRewardOptions,
  parts: ClipParts = {},
): Promise<ClipModel> {
  return openTogether(async (keep) => {
    const { files, batchSize, ...vision } = keep(await openVision(reward, options, parts));
    const tokenizer = await openTextTokenizer(reward, files);
    const graph = keep(await openOnnxModel(reward, files, TEXT, options));
    const output = outputNamed(graph, TEXT, ['text_embeds']);

    async function embed(texts: readonly string[]): Promise<Float32Array[]> {
      const { ids, mask } = tokenizer.encodeBatch(texts);
      const embeds = await graph.run({ input_ids: ids, attention_mask: mask }, output);
      return rowsOf(embeds, texts.length);
    }

    return {
      ...vision,
      sha256: await files.sha256(),
      async embedTexts(texts, signal) {
        const unique = [...new Set(texts)];
        const rows = await embedInBatches(unique, batchSize, embed, signal);
        const byText = new Map(unique.map((text, index) => [text, rows[index]!]));
        return texts.map((text) => byText.get(text)!);
      },
      async dispose() {
        await Promise.all([vision.dispose(), graph.dispose()]);
      },
    };
  });
}
