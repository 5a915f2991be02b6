/** The characters that stand for the 256 bytes in a byte-level vocabulary: printable Latin-1, then U+0100 and on for the rest. */
export const byteAlphabet: readonly string[] = [
  ...[...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)],
  ...range(0x100, 0x100 + 256 - 188 - 1),
].map((code) => String.fromCodePoint(code));

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
