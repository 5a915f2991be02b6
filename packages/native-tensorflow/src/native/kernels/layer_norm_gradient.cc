// The gradient of layer normalisation. With r = 1 / √(variance + ε), x̂ = (x − mean) r and g = weight dy it is
//
//   ∂x = r (g − mean(g) − x̂ mean(g x̂))    ∂weight = Σ dy x̂    ∂bias = Σ dy
//
// with means along a row, and sums over all rows: those of each chunk by itself, and then the chunks in their order. Mean and
// deviation are computed again, which costs less than to keep them.

#include "layer_norm_rows.h"
#include "norm_parts.h"
#include "threads.h"

namespace loop {
namespace {

// Rows of sums for each channel.
enum { kProducts, kGradients, kSumRows };

void InputGradient(const LayerNorm &norm, const RowMoments &moments, const float *x, const float *dy, float *dx) {
  const float *weight = norm.weight;
  float totals[2];
  SumAlongRow(norm.channels, [&](long c, auto lanes) {
    const Vec g = LoadFirst(weight + c, lanes) * LoadFirst(dy + c, lanes);
    return Terms<2>{{g, g * KeepFirst(moments.Normal(LoadFirst(x + c, lanes)), lanes)}};
  }, totals);
  const double channels = static_cast<double>(norm.channels);
  const Vec mean = Fill(static_cast<float>(totals[0] / channels)), mean_product = Fill(static_cast<float>(totals[1] / channels));
  const Vec scale = Fill(moments.scale);
  ForEachVector(norm.channels, [&](long c, auto lanes) {
    const Vec g = LoadFirst(weight + c, lanes) * LoadFirst(dy + c, lanes);
    const Vec normal = moments.Normal(LoadFirst(x + c, lanes));
    StoreFirst(dx + c, lanes, NegativeMultiplyAdd(normal, mean_product, g - mean) * scale);
  });
}

void RowGradients(const LayerNormGradient &gradient, long start, long rows, RowMoments *moments) {
  const LayerNorm &norm = gradient.forward;
  for (long row = 0; row < rows; row++) {
    const long at = start + row * norm.channels;
    moments[row] = MomentsOf(norm, norm.x + at);
    if (gradient.dx != nullptr) InputGradient(norm, moments[row], norm.x + at, gradient.dy + at, gradient.dx + at);
  }
}

}  // namespace

void ComputeLayerNormGradient(const LayerNormGradient &gradient, Execution execution) {
  const LayerNorm &norm = gradient.forward;
  const Chunks chunks(norm);
  const long channels = norm.channels;
  const bool has_sums = gradient.d_weight != nullptr || gradient.d_bias != nullptr;
  ChannelRows<double> sums(has_sums ? chunks.Count() : 0, kSumRows, channels);
  ForEach(chunks.Count(), execution.alone, [&](long chunk) {
    const long start = chunks.Start(chunk), rows = chunks.Pixels(chunk);
    const float *x = norm.x + start, *dy = gradient.dy + start;
    Buffer<RowMoments> moments(rows);
    if (gradient.dx != nullptr || gradient.d_weight != nullptr) RowGradients(gradient, start, rows, moments.get());
    if (gradient.d_weight != nullptr) {
      const auto product = [&](long c, auto lanes, long row) {
        const long at = row * channels + c;
        return Terms<1>{{LoadFirst(dy + at, lanes) * moments[row].Normal(LoadFirst(x + at, lanes))}};
      };
      SumOverPixels<1>(rows, channels, product, sums.At(chunk, kProducts));
    }
    if (gradient.d_bias != nullptr) {
      const auto one = [&](long c, auto lanes, long row) { return Terms<1>{{LoadFirst(dy + row * channels + c, lanes)}}; };
      SumOverPixels<1>(rows, channels, one, sums.At(chunk, kGradients));
    }
  });
  const auto write = [&](float *to, long row) {
    if (to == nullptr) return;
    for (long c = 0; c < channels; c++) {
      double sum = 0;
      for (long chunk = 0; chunk < chunks.Count(); chunk++) sum += sums.At(chunk, row)[c];
      to[c] = static_cast<float>(sum);
    }
  };
  write(gradient.d_weight, kProducts);
  write(gradient.d_bias, kGradients);
}

}  // namespace loop
