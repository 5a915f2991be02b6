/**
 * The 256 characters that stand for the 256 bytes in a byte-level vocabulary (GPT-2, Radford et al. 2019): printable
 * Latin-1 characters stand for themselves, the others for the code points from U+0100 on, in order.
 */
export const byteAlphabet: readonly string[] = makeByteAlphabet();

const byteOf: ReadonlyMap<string, number> = new Map(
  byteAlphabet.map((character, byte) => [character, byte]),
);

/** A word's UTF-8 bytes as characters of {@link byteAlphabet}, one each. */
export function byteCharacters(word: string): string[] {
  return Array.from(new TextEncoder().encode(word), (byte) => byteAlphabet[byte] ?? '');
}

/** The text that such characters stand for; what is cut in the middle of a character becomes U+FFFD. */
export function fromByteCharacters(characters: string): string {
  const bytes = Array.from(characters, (character) => byteOf.get(character) ?? 0x3f);
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Bytes in the order of their characters' ids in CLIP's vocabulary: the printable ones first. */
export function bytesInVocabularyOrder(): number[] {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  return [...bytes.filter(isPrintable), ...bytes.filter((byte) => !isPrintable(byte))];
}

function makeByteAlphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(isPrintable(byte) ? byte : next++),
  );
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
}
