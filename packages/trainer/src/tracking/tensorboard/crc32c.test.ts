import { crc32c } from './crc32c';

const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);

// RFC 3720, B.4; its bytes stand in the order of transmission, least significant first.
test.each([
  ['32 bytes of zeroes', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 bytes ascending', ascending, 0x46dd794e],
  ['32 bytes descending', ascending.toReversed(), 0x113fdb5c],
  ['nothing', new Uint8Array(), 0],
  // The check value of the catalogue of CRC algorithms.
  ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
])('%s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});
