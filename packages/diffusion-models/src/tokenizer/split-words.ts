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
