// One vector type for the instruction set that this file is compiled for. Everything else is written in its terms once, and
// compiled once for each set.
#pragma once

#pragma GCC diagnostic push
#ifndef __clang__
// GCC 12's intrinsics start from vectors without a value and warn of it themselves (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>

namespace loop {

#if defined(__AVX512F__)

using Vec = __m512;
constexpr int kLanes = 16;

inline Vec Zero() { return _mm512_setzero_ps(); }
inline Vec Fill(float x) { return _mm512_set1_ps(x); }
inline Vec Load(const float *from) { return _mm512_loadu_ps(from); }
inline void Store(float *to, Vec v) { _mm512_storeu_ps(to, v); }

// Which lanes are below `count`; none for a negative one.
inline __mmask16 FirstLanes(long count) {
  return count >= kLanes ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
}
// The first `count` lanes; the others are zeros, and nothing beyond is read or written. KeepFirst is for what is loaded already.
inline Vec LoadFirst(const float *from, long count) { return _mm512_maskz_loadu_ps(FirstLanes(count), from); }
inline void StoreFirst(float *to, long count, Vec v) { _mm512_mask_storeu_ps(to, FirstLanes(count), v); }
inline Vec KeepFirst(Vec v, long count) { return _mm512_maskz_mov_ps(FirstLanes(count), v); }

// Adds the lanes to as many numbers.
inline void AddTo(double *to, Vec v) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(v)), high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1));
  _mm512_storeu_pd(to, _mm512_loadu_pd(to) + low);
  _mm512_storeu_pd(to + kLanes / 2, _mm512_loadu_pd(to + kLanes / 2) + high);
}

// a · b + c and c − a · b, rounded once.
inline Vec MultiplyAdd(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec NegativeMultiplyAdd(Vec a, Vec b, Vec c) { return _mm512_fnmadd_ps(a, b, c); }
inline Vec Max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
inline Vec Min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
inline Vec Abs(Vec a) { return _mm512_abs_ps(a); }
inline Vec Round(Vec a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// a < b ? yes : no, lane by lane.
inline Vec SelectLess(Vec a, Vec b, Vec yes, Vec no) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
// 2ⁿ for whole n in [−126, 127].
inline Vec PowerOfTwo(Vec n) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
}
// a · 2ⁿ for such n.
inline Vec TimesPowerOfTwo(Vec a, Vec n) { return _mm512_scalef_ps(a, n); }

#elif defined(__AVX2__) && defined(__FMA__)

using Vec = __m256;
constexpr int kLanes = 8;

inline Vec Zero() { return _mm256_setzero_ps(); }
inline Vec Fill(float x) { return _mm256_set1_ps(x); }
inline Vec Load(const float *from) { return _mm256_loadu_ps(from); }
inline void Store(float *to, Vec v) { _mm256_storeu_ps(to, v); }

inline __m256i FirstLanes(long count) {
  static constexpr int32_t kEdge[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  const long inside = count >= kLanes ? kLanes : count <= 0 ? 0 : count;
  return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(kEdge + kLanes - inside));
}
inline Vec LoadFirst(const float *from, long count) { return _mm256_maskload_ps(from, FirstLanes(count)); }
// Masked stores take some processors a dozen cycles, so that a branch is worth it.
inline void StoreFirst(float *to, long count, Vec v) {
  if (count >= kLanes) {
    Store(to, v);
  } else {
    _mm256_maskstore_ps(to, FirstLanes(count), v);
  }
}
inline Vec KeepFirst(Vec v, long count) { return _mm256_and_ps(v, _mm256_castsi256_ps(FirstLanes(count))); }
inline void AddTo(double *to, Vec v) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(v)), high = _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1));
  _mm256_storeu_pd(to, _mm256_loadu_pd(to) + low);
  _mm256_storeu_pd(to + kLanes / 2, _mm256_loadu_pd(to + kLanes / 2) + high);
}

inline Vec MultiplyAdd(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec NegativeMultiplyAdd(Vec a, Vec b, Vec c) { return _mm256_fnmadd_ps(a, b, c); }
inline Vec Max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
inline Vec Min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
inline Vec Abs(Vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.f), a); }
inline Vec Round(Vec a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Vec SelectLess(Vec a, Vec b, Vec yes, Vec no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
inline Vec PowerOfTwo(Vec n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
inline Vec TimesPowerOfTwo(Vec a, Vec n) { return a * PowerOfTwo(n); }

#else
#error "The kernels are compiled for AVX2 with FMA, or for AVX-512."
#endif

// For rows of any length: step(i, lanes) for i = 0, kLanes … below `count`, where LoadFirst, StoreFirst and KeepFirst take
// `lanes`. It is AllLanes, known to the compiler, but for a last vector that is not whole.
struct AllLanes {};
inline Vec LoadFirst(const float *from, AllLanes) { return Load(from); }
inline void StoreFirst(float *to, AllLanes, Vec v) { Store(to, v); }
inline Vec KeepFirst(Vec v, AllLanes) { return v; }

template <typename Step>
inline void ForEachVector(long count, const Step &step) {
  long i = 0;
  for (; i + kLanes <= count; i += kLanes) step(i, AllLanes());
  if (i < count) step(i, count - i);
}

// The sum of all lanes, in an order that never changes: halves onto each other.
inline float SumOfLanes(Vec v) {
  float lanes[kLanes];
  Store(lanes, v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace loop
