import { z } from 'zod';

import { importPeers } from '../optional-peer';
import type { ModelFiles } from './model-files';
import type { Integers } from './onnx-model';

/** Rows of token ids, padded to the longest. */
export interface TokenBatch {
  /** `[batch, sequence]`. */
  readonly ids: Integers;
  /** `[batch, sequence]`: 1 where there is a token, 0 where the row is padded. */
  readonly mask: Integers;
}

export interface TextTokenizer {
  /** @returns ids with their special tokens, at most as many as the model takes, of which the last is kept */
  encode(text: string): number[];
  encodeBatch(texts: readonly string[]): TokenBatch;
}

const token = z.union([z.string(), z.object({ content: z.string() })]);
const tokenizerConfig = z.looseObject({
  model_max_length: z.number().positive().nullish(),
  pad_token: token.nullish(),
});

const MAXIMUM_TOKENS = 4096;
/** A word is at most so long; beyond that a prompt is no prompt, and byte pairs take quadratic time. */
const MAXIMUM_CHARACTERS = 20_000;

/**
 * Reads `tokenizer.json` and `tokenizer_config.json`.
 *
 * @param maximumLength tokens of a text with its special ones; what the file says when left out
 * @throws {Error} in one sentence when `@huggingface/tokenizers` is missing or a file is not as expected
 */
export async function openTextTokenizer(
  reward: string,
  files: ModelFiles,
  maximumLength?: number,
): Promise<TextTokenizer> {
  const { Tokenizer } = await importPeers(
    reward,
    ['@huggingface/tokenizers'],
    () => import('@huggingface/tokenizers'),
  );
  const json = await files.readJson('tokenizer.json', z.looseObject({ model: z.looseObject({}) }));
  const config = await files.readJson('tokenizer_config.json', tokenizerConfig);
  const length = maximumLength ?? config.model_max_length ?? MAXIMUM_TOKENS;
  if (length > MAXIMUM_TOKENS) {
    throw new Error(
      `'tokenizer_config.json' has a model_max_length of ${length}; expected at most ${MAXIMUM_TOKENS}`,
    );
  }
  let tokenizer: InstanceType<typeof Tokenizer>;
  try {
    tokenizer = new Tokenizer(json, config);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`'tokenizer.json' is no tokenizer that can be used: ${reason}`, {
      cause: error,
    });
  }
  const pad = typeof config.pad_token === 'object' ? config.pad_token?.content : config.pad_token;
  const padId = BigInt((pad === undefined ? undefined : tokenizer.token_to_id(pad)) ?? 0);

  function encode(text: string): number[] {
    const { ids } = tokenizer.encode(text.slice(0, MAXIMUM_CHARACTERS));
    return ids.length <= length ? ids : [...ids.slice(0, length - 1), ids.at(-1)!];
  }

  return {
    encode,
    encodeBatch(texts) {
      const rows = texts.map(encode);
      const width = Math.max(...rows.map((row) => row.length));
      const ids = new BigInt64Array(rows.length * width).fill(padId);
      const mask = new BigInt64Array(rows.length * width);
      for (const [index, row] of rows.entries()) {
        ids.set(row.map(BigInt), index * width);
        mask.fill(1n, index * width, index * width + row.length);
      }
      const dims = [rows.length, width];
      return { ids: { data: ids, dims }, mask: { data: mask, dims } };
    },
  };
}
