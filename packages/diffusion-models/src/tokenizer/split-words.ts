/** Control and format characters, private use and unassigned ones: dropped. Tab and line ends are spaces. */
const UNWANTED = /(?![\t\n\r])[\0\ufffd\p{C}]/gu;

/** The ideographs that get spaces around them: CJK Unified and Compatibility ones, not kana or hangul. */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/**
 * English contractions, runs of letters, single digits, runs of anything else. The original's pattern
 * ignores case, by which "ſ" is an "s" and U+0345, whose upper case is a letter, falls through all classes.
 */
const WORD =
  /<\|startoftext\|>|<\|endoftext\|>|'(?:[sſ]|t|re|ve|m|ll|d)|\p{L}+|\p{N}|[^\s\p{L}\u0345\p{N}]+/gu;

/** What Unicode calls white space, where JavaScript's \s has U+FEFF too and lacks U+0085. */
const WHITE_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** The words of a text whose white space is all plain spaces, and which is in lower case. */
const FAST_WORD =
  /<\|startoftext\|>|<\|endoftext\|>|'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}|[^ \p{L}\p{N}]+/gu;

/**
 * Cleans a text as the fast CLIP tokenizers do (`CLIPTokenizerFast` of transformers 4, `CLIPTokenizer` of 5): NFC, white space as
 * spaces, every character in lower case. Nothing is dropped, and ideographs stay together.
 */
export function cleanFast(text: string): string {
  const spaced = text.normalize('NFC').replace(WHITE_SPACE, ' ');
  // A character by itself, so that a sigma at the end of its word is as any other.
  return Array.from(spaced, (character) => character.toLowerCase()).join('');
}

/** Cuts a text that {@link cleanFast} cleaned into the words that byte-pair encoding then works on. */
export function splitFast(cleaned: string): string[] {
  return cleaned.match(FAST_WORD) ?? [];
}

/**
 * Cleans a text and cuts it into the words that byte-pair encoding then works on, as `transformers.CLIPTokenizer` does when
 * ftfy is not installed: unwanted characters dropped, ideographs apart, NFC, lower case.
 */
export function splitWords(text: string): string[] {
  const cleaned = text.replace(UNWANTED, '').replace(IDEOGRAPH, ' $& ').normalize('NFC');
  // Word by word, because the lower case of a sigma depends on whether it ends its word.
  const lower = cleaned
    .split(/\s+/u)
    .map((word) => word.toLowerCase())
    .join(' ');
  return lower.match(WORD) ?? [];
}
