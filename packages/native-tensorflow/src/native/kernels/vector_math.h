// Functions of a vector, lane by lane.
#pragma once

#include "simd.h"

namespace loop {

// eˣ as 2ⁿ eʳ with |r| ≤ ln 2 / 2, eʳ by Cephes' polynomial (Moshier, expf); relative error 2e-7. 0 below −87.3, and what is
// above 88.3 is taken for 88.3.
inline Vec Exp(Vec x) {
  const Vec lowest = Fill(-87.33f);
  const Vec inside = Min(Max(x, lowest), Fill(88.37f));
  const Vec n = Round(inside * Fill(1.44269504f));
  // ln 2 in two parts, of which the first has few bits, so that n times it is exact.
  Vec r = NegativeMultiplyAdd(n, Fill(0.693359375f), inside);
  r = NegativeMultiplyAdd(n, Fill(-2.12194440e-4f), r);
  Vec p = Fill(1.9875691500e-4f);
  p = MultiplyAdd(p, r, Fill(1.3981999507e-3f));
  p = MultiplyAdd(p, r, Fill(8.3334519073e-3f));
  p = MultiplyAdd(p, r, Fill(4.1665795894e-2f));
  p = MultiplyAdd(p, r, Fill(1.6666665459e-1f));
  p = MultiplyAdd(p, r, Fill(5.0000001201e-1f));
  const Vec exponential = MultiplyAdd(p * r, r, r + Fill(1.f)) * PowerOfTwo(n);
  return SelectLess(x, lowest, Zero(), exponential);
}

// σ(x) = 1 / (1 + e⁻ˣ)
inline Vec Sigmoid(Vec x) { return Fill(1.f) / (Fill(1.f) + Exp(Zero() - x)); }

}  // namespace loop
