// A square of kLanes × kLanes numbers transposed in registers.
//
// Interleaving row i with row i + n/2, and writing the two results after each other, is a perfect shuffle of all n² numbers:
// the first bit of a number's place moves to its end. After log₂ n of them the bits of row and column have changed places
// (Stone 1971, "Parallel Processing with the Perfect Shuffle").
//
//   0 1   0's row with 1's:   0 2
//   2 3   ───────────────▸    1 3
#pragma once

#include <utility>

#include "simd.h"

namespace loop {

// a₀ b₀ a₁ b₁ … of the lower, or the upper, halves of a and b.
#if defined(__AVX512F__)
inline Vec InterleaveLow(Vec a, Vec b) {
  const __m512i places = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return _mm512_permutex2var_ps(a, places, b);
}
inline Vec InterleaveHigh(Vec a, Vec b) {
  const __m512i places = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  return _mm512_permutex2var_ps(a, places, b);
}
#else
// Unpacking interleaves within each 128 bits.
inline Vec InterleaveLow(Vec a, Vec b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
inline Vec InterleaveHigh(Vec a, Vec b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}
#endif

// to[j * to_stride + i] = from[i * stride + j] for j < columns and i < kLanes; zeros for i in [rows, kLanes). Nothing else is
// read or written. Rows and columns are at most kLanes, rows may be negative.
inline void TransposeSquare(const float *from, long stride, long rows, long columns, float *to, long to_stride) {
  Vec square[kLanes], shuffled[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; i++) square[i] = i < rows ? LoadFirst(from + i * stride, columns) : Zero();
#pragma GCC unroll 4
  for (int bit = 1; bit < kLanes; bit *= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes / 2; i++) {
      shuffled[2 * i] = InterleaveLow(square[i], square[i + kLanes / 2]);
      shuffled[2 * i + 1] = InterleaveHigh(square[i], square[i + kLanes / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) square[i] = shuffled[i];
  }
#pragma GCC unroll 16
  for (int j = 0; j < kLanes; j++) {
    if (j < columns) Store(to + j * to_stride, square[j]);
  }
}

}  // namespace loop
