// Numbers of bfloat16: the upper half of a float32, which keeps 8 bits of the fraction.
//
// A processor multiplies them in pairs, two steps of a sum at once: sum + a[k] b[k] + a[k + 1] b[k + 1], the sum a float32. So
// wherever the operands of a product (tile.h) have a float for each step, those of bfloat16 have a pair for every two:
//
//   a row of the left operand    │ a[i][0] a[i][1] │ a[i][2] a[i][3] │ …
//
//   rows of a panel              │ b[0][0] b[1][0] │ b[0][1] b[1][1] │ …  kPanel pairs
//                                │ b[2][0] b[3][0] │ b[2][1] b[3][1] │ …
//
// A zero follows where the number of steps is odd. Numbers are rounded to the nearest, to the even one halfway; denormals
// count as zero. It is how AMX multiplies tiles too.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "simd.h"

namespace loop {

#if defined(__AVX512BF16__)
#define LOOP_HAS_BFLOAT16

// The number of the earlier step is the lower half.
struct Pair {
  uint32_t halves;
};
using PairVec = __m512bh;

inline PairVec Fill(Pair x) { return reinterpret_cast<PairVec>(_mm512_set1_epi32(static_cast<int>(x.halves))); }
inline PairVec Load(const Pair *from) { return reinterpret_cast<PairVec>(_mm512_loadu_si512(from)); }
// Adds both products of each pair to its lane's sum.
inline Vec MultiplyAdd(PairVec a, PairVec b, Vec sum) { return _mm512_dpbf16_ps(sum, a, b); }

// `count` numbers, rounded one after the other.
inline void RoundRow(const float *from, long count, uint16_t *to) {
  for (long i = 0; i < count; i += kLanes) {
    const auto rounded = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(LoadFirst(from + i, count - i)));
    _mm256_mask_storeu_epi16(to + i, FirstLanes(count - i), rounded);
  }
}

// kLanes numbers of a row, as pairs.
inline void RoundRow(Vec numbers, Pair *to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i *>(to), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(numbers)));
}

// kLanes pairs of a number of one step and that of the next.
inline void RoundPairs(Vec step, Vec next, Pair *to) {
  // The 16 rounded numbers of `step`, then those of `next`; the k-th of each go beside each other.
  const __m512i rounded = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(next, step));
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i places = _mm512_or_si512(first, _mm512_slli_epi32(_mm512_add_epi32(first, _mm512_set1_epi32(16)), 16));
  _mm512_storeu_si512(to, _mm512_permutexvar_epi16(places, rounded));
}

#endif

// Calls body(number) with a number of the kind that operands are to be: a float, or a Pair.
template <typename Body>
void WithNumber(bool bfloat16, const Body &body) {
  if (!bfloat16) return body(float());
#ifdef LOOP_HAS_BFLOAT16
  body(Pair());
#else
  throw std::invalid_argument("This processor's kernels have no products of bfloat16.");
#endif
}

}  // namespace loop
