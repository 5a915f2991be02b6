// Functions of a vector, lane by lane. NaN gives NaN: Max and Min return their second operand where one of them is not a
// number, so their order matters here.
#pragma once

#include "simd.h"

namespace loop {

// 2ʳ for |r| ≤ ½ by the polynomial of degree 6 that is 1 at 0 and whose largest relative error is least, 3e-9 (Remez).
inline Vec Exp2OfFraction(Vec r) {
  Vec p = Fill(1.559467702e-4f);
  p = MultiplyAdd(p, r, Fill(1.340664385e-3f));
  p = MultiplyAdd(p, r, Fill(9.617692976e-3f));
  p = MultiplyAdd(p, r, Fill(5.550310551e-2f));
  p = MultiplyAdd(p, r, Fill(2.402265278e-1f));
  p = MultiplyAdd(p, r, Fill(6.931472150e-1f));
  return MultiplyAdd(p, r, Fill(1.f));
}

// 2ˣ for x ≤ 127 as 2ⁿ 2ʳ; relative error 1e-7 with rounding. Below −126 it stays what it is there.
inline Vec Exp2(Vec x) {
  const Vec inside = Max(Fill(-126.f), x);
  const Vec n = Round(inside);
  return TimesPowerOfTwo(Exp2OfFraction(inside - n), n);
}

// eˣ as 2ⁿ 2ʳ with n + r = x log₂ e; relative error 1.1e-7. Infinite where n is 128, above 88.4 or, on some instruction sets,
// 88.7; below −87.7 it is denormal, which is zero in ForEach.
inline Vec Exp(Vec x) {
  const Vec inside = Min(Fill(88.8f), Max(Fill(-88.f), x));
  // log₂ e as a float32 number and the rest of it: the product with the first is not rounded before n is subtracted.
  const Vec log2_e = Fill(1.44269502f), rest = Fill(1.92596299e-8f);
  const Vec n = Round(inside * log2_e);
  const Vec r = MultiplyAdd(inside, rest, MultiplyAdd(inside, log2_e, -n));
  return TimesPowerOfTwo(Exp2OfFraction(r), n);
}

// σ(x) = 1 / (1 + e⁻ˣ)
inline Vec Sigmoid(Vec x) { return Fill(1.f) / (Fill(1.f) + Exp(-x)); }

// x σ(x)
inline Vec Silu(Vec x) { return x / (Fill(1.f) + Exp(-x)); }

// The derivative of Silu, σ(x) + x σ(x) σ(−x). Of σ(|x|) = s and σ(−|x|) = e^(−|x|) s nothing is infinite, and nothing cancels
// as in 1 − σ(x).
inline Vec SiluSlope(Vec x) {
  const Vec exponential = Exp(-Abs(x));
  const Vec s = Fill(1.f) / (Fill(1.f) + exponential);
  const Vec other = exponential * s;
  return MultiplyAdd(x * other, s, SelectLess(x, Zero(), other, s));
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
