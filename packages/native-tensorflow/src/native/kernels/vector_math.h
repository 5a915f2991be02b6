// Functions of a vector, lane by lane. NaN gives NaN: Max and Min return their second operand where one of them is not a
// number, so their order matters here.
#pragma once

#include "simd.h"

namespace loop {

// eˣ as 2ⁿ eʳ with |r| ≤ ln 2 / 2, eʳ by Cephes' polynomial (Moshier, expf); relative error 9e-8. 0 below −87.3, and what is
// above 88.3 is taken for 88.3.
inline Vec Exp(Vec x) {
  const Vec lowest = Fill(-87.33f);
  const Vec inside = Min(Fill(88.37f), Max(lowest, x));
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
  // The 1 comes last: what is rounded before it is small.
  const Vec exponential = (MultiplyAdd(p * r, r, r) + Fill(1.f)) * PowerOfTwo(n);
  return SelectLess(x, lowest, Zero(), exponential);
}

// 2ˣ for x ≤ 127 as 2ⁿ 2ʳ with |r| ≤ ½, 2ʳ by the polynomial of degree 6 that is 1 at 0 and whose largest relative error is
// least, 3e-9 (Remez); 1e-7 with rounding. Half the work of eˣ. Below −126 it stays what it is there.
inline Vec Exp2(Vec x) {
  const Vec inside = Max(Fill(-126.f), x);
  const Vec n = Round(inside);
  const Vec r = inside - n;
  Vec p = Fill(1.559467702e-4f);
  p = MultiplyAdd(p, r, Fill(1.340664385e-3f));
  p = MultiplyAdd(p, r, Fill(9.617692976e-3f));
  p = MultiplyAdd(p, r, Fill(5.550310551e-2f));
  p = MultiplyAdd(p, r, Fill(2.402265278e-1f));
  p = MultiplyAdd(p, r, Fill(6.931472150e-1f));
  return TimesPowerOfTwo(MultiplyAdd(p, r, Fill(1.f)), n);
}

// σ(x) = 1 / (1 + e⁻ˣ)
inline Vec Sigmoid(Vec x) { return Fill(1.f) / (Fill(1.f) + Exp(Zero() - x)); }

// x σ(x)
inline Vec Silu(Vec x) { return x * Sigmoid(x); }

// The derivative of Silu, σ(x) + x σ(x) σ(−x), with σ(−x) = e⁻ˣ σ(x) and not 1 − σ(x), which cancels.
inline Vec SiluSlope(Vec x) {
  const Vec exponential = Exp(Zero() - x);
  const Vec s = Fill(1.f) / (Fill(1.f) + exponential);
  return MultiplyAdd(x * (exponential * s), s, s);
}

// r(a) in Φ(−a) = e^(−a²/2) (½ − a r(a)) for 0 ≤ a ≤ 14, Φ being the standard normal distribution; it falls from 0.4 to near
// 0.5 / a. A quotient of polynomials times e^(−a²/2) is how Cody 1969 ("Rational Chebyshev approximations for the error
// function") computes erfc; here ½ is taken out, so that the quotient's rounding counts for little where Φ(−a) is large.
// testing/fit-normal-tail.py finds the coefficients. They put Φ(−a) wrong by 7e-9, and near 14 by 7e-7 of itself.
inline Vec NormalTailSlope(Vec a) {
  Vec numerator = Fill(0.0156154548f);
  numerator = MultiplyAdd(numerator, a, Fill(0.111171336f));
  numerator = MultiplyAdd(numerator, a, Fill(0.326581082f));
  numerator = MultiplyAdd(numerator, a, Fill(0.398941936f));
  Vec denominator = Fill(0.0312317315f);
  denominator = MultiplyAdd(denominator, a, Fill(0.247225904f));
  denominator = MultiplyAdd(denominator, a, Fill(0.851080271f));
  denominator = MultiplyAdd(denominator, a, Fill(1.44526147f));
  denominator = MultiplyAdd(denominator, a, Fill(1.f));
  return numerator / denominator;
}

// |x|, or 14, from where on the tail is 0 in float32: an infinite |x| would make it ∞ · 0.
inline Vec TailArgument(Vec x) { return Min(Fill(14.f), Abs(x)); }
// e^(−a²/2)
inline Vec Bell(Vec a) { return Exp(a * a * Fill(-0.5f)); }

// x Φ(x) (Hendrycks & Gimpel 2016) as max(x, 0) − |x| Φ(−|x|), in which nothing cancels.
inline Vec Gelu(Vec x) {
  const Vec a = TailArgument(x);
  const Vec tail = Bell(a) * NegativeMultiplyAdd(a, NormalTailSlope(a), Fill(0.5f));
  return NegativeMultiplyAdd(a, tail, Max(Zero(), x));
}

// The derivative of Gelu, Φ(x) + x φ(x): with w = Φ(−|x|) − |x| φ(|x|) it is w on the left of 0 and 1 − w on the right.
inline Vec GeluSlope(Vec x) {
  const Vec a = TailArgument(x);
  const Vec density = Fill(0.398942280f);  // 1 / √(2π)
  const Vec w = Bell(a) * NegativeMultiplyAdd(a, NormalTailSlope(a) + density, Fill(0.5f));
  return SelectLess(x, Zero(), w, Fill(1.f) - w);
}

}  // namespace loop
