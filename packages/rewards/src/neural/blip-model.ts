import type { Image } from '../image';
import { openTogether } from '../open-together';
import { openImageEncoder } from './image-encoder';
import { openModelFiles } from './model-files';
import type { NeuralRewardOptions } from './neural-options';
import { type Floats, openOnnxModel, outputNamed } from './onnx-model';
import { type Preprocessing, readPreprocessing } from './preprocess';
import type { RewardSettings } from './require-setting';
import { readRewardSettings } from './reward-settings';
import { openTextTokenizer } from './text-tokenizer';

/** A BLIP in two graphs: pictures once, and then any number of texts that attend to them. */
export interface BlipModel {
  readonly settings: RewardSettings;
  /** Of all files that the model was read from. */
  readonly sha256: string;
  /** @returns `[batch, patches + 1, hidden]` */
  encodeImages(images: readonly Image[]): Promise<Floats>;
  /**
   * @param imageEmbeds as many as there are texts
   * @param firstToken takes the place of each text's first token
   * @returns `[batch, …]`, whatever the graph says of them
   */
  readTexts(texts: readonly string[], imageEmbeds: Floats, firstToken?: number): Promise<Floats>;
  readonly dispose: () => Promise<void>;
}

/** Tokens of a text with its special ones, in BLIP's and ImageReward's own code. */
const MAXIMUM_TOKENS = 35;

const VISION = 'onnx/vision_model.onnx';
const TEXT = 'onnx/text_model.onnx';

/**
 * @param output of the text graph
 * @throws {Error} in one sentence when a library or a file is missing or not as expected
 */
export async function openBlipModel(
  reward: string,
  options: NeuralRewardOptions,
  output: string,
  adjust: (preprocessing: Preprocessing) => Preprocessing,
): Promise<BlipModel> {
  const files = await openModelFiles(reward, options.model, options.rewardFile);
  const settings = await readRewardSettings(files);
  const preprocessing = adjust(await readPreprocessing(files));
  const tokenizer = await openTextTokenizer(reward, files, MAXIMUM_TOKENS);
  const vision = { files, path: VISION, outputs: ['image_embeds'], preprocessing };
  return openTogether(async (keep) => {
    const encoder = keep(await openImageEncoder(reward, vision, options));
    const graph = keep(await openOnnxModel(reward, files, TEXT, options));
    outputNamed(graph, TEXT, [output]);
    return {
      settings,
      sha256: await files.sha256(),
      encodeImages: encoder.encode,
      async readTexts(texts, imageEmbeds, firstToken) {
        const { ids, mask } = tokenizer.encodeBatch(texts);
        if (firstToken !== undefined) {
          const width = ids.dims[1]!;
          for (let row = 0; row < texts.length; row++) ids.data[row * width] = BigInt(firstToken);
        }
        const feeds = { input_ids: ids, attention_mask: mask, image_embeds: imageEmbeds };
        return graph.run(feeds, output);
      },
      async dispose() {
        await Promise.all([encoder.dispose(), graph.dispose()]);
      },
    };
  });
}
