/* eslint-disable @nx/enforce-module-boundaries -- diffusion-models keeps its alphabet to itself, and a second one could differ */
import {
  byteAlphabet,
  bytesInVocabularyOrder,
} from '../../packages/diffusion-models/src/tokenizer/byte-alphabet';

/** As many merges as CLIP's vocabulary has. */
const MERGES = 48_894;
const LETTERS = Array.from('abcdefghijklmnopqrstuvwxyz0123456789');

/** A vocabulary of CLIP's form and size, with merges that nobody learnt: what it costs is what CLIP's costs. */
export function clipSizedVocabulary(): { vocab: Record<string, number>; merges: string } {
  const merges: string[] = [];
  const add = (left: string, right: string): void => {
    if (merges.length < MERGES) merges.push(`${left} ${right}`);
  };
  for (const end of ['', '</w>']) {
    for (const left of LETTERS) for (const right of LETTERS) add(left, right + end);
  }
  for (const end of ['</w>', '']) {
    for (const first of LETTERS) {
      for (const second of LETTERS) for (const third of LETTERS) add(first + second, third + end);
    }
  }
  const characters = bytesInVocabularyOrder().map((byte) => byteAlphabet[byte] as string);
  const tokens = [
    ...characters,
    ...characters.map((character) => `${character}</w>`),
    ...merges.map((merge) => merge.replace(' ', '')),
    '<|startoftext|>',
    '<|endoftext|>',
  ];
  return {
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges: ['#version: 0.2', ...merges, ''].join('\n'),
  };
}
