// What layer normalisation and its gradient share: sums along a row, and its mean and deviation.
#pragma once

#include <cmath>

#include "norm_parts.h"

namespace loop {

// Σ terms(c, lanes) along a row, whose terms are zeros beyond `lanes`. Four vectors at a time, each to a sum of its own, since an
// addition waits for the one before it.
template <int kSums, typename TermsAt>
inline void SumAlongRow(long channels, const TermsAt &terms, float (&totals)[kSums]) {
  constexpr long kWays = 4, kStep = kWays * kLanes;
  // Zeros.
  Terms<kSums> sums[kWays] = {};
  const long whole = channels / kStep * kStep;
  for (long c = 0; c < whole; c += kStep) {
    for (long way = 0; way < kWays; way++) sums[way] = sums[way] + terms(c + way * kLanes, AllLanes());
  }
  ForEachVector(channels - whole, [&](long c, auto lanes) { sums[0] = sums[0] + terms(whole + c, lanes); });
  const Terms<kSums> sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (int i = 0; i < kSums; i++) totals[i] = SumOfLanes(sum.at[i]);
}

// x̂ = (x − centre) scale + shift, with scale = 1 / √(variance + ε).
struct RowMoments {
  float centre, scale, shift;

  Vec Normal(Vec x) const { return MultiplyAdd(x - Fill(centre), Fill(scale), Fill(shift)); }
};

// The centre is the mean but for its rounding; what that left is in the shift. Squares are taken about the centre, so that no
// digits are lost where numbers are large beside their deviation (shifted sums; Chan, Golub & LeVeque 1983).
inline RowMoments MomentsOf(const LayerNorm &norm, const float *x) {
  const double channels = static_cast<double>(norm.channels);
  float total[1];
  SumAlongRow(norm.channels, [&](long c, auto lanes) { return Terms<1>{{LoadFirst(x + c, lanes)}}; }, total);
  const float centre = static_cast<float>(total[0] / channels);
  float about[2];
  SumAlongRow(norm.channels, [&](long c, auto lanes) {
    const Vec d = KeepFirst(LoadFirst(x + c, lanes) - Fill(centre), lanes);
    return Terms<2>{{d, d * d}};
  }, about);
  const double rest = about[0] / channels;
  const double variance = about[1] / channels - rest * rest;
  // Not std::max, which would make 0 of what is not a number.
  const double scale = 1 / std::sqrt((variance < 0 ? 0 : variance) + norm.epsilon);
  return {centre, static_cast<float>(scale), static_cast<float>(-rest * scale)};
}

}  // namespace loop
