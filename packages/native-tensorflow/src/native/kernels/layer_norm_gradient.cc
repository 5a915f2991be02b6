// The gradient of layer normalisation. With r = 1 / √(variance + ε), x̂ = (x − mean) r and g = weight dy it is
//
//   ∂x = r (g − mean(g) − x̂ mean(g x̂))    ∂weight = Σ dy x̂    ∂bias = Σ dy
//
// with means along a row, and sums over all rows: those of a block in float32, those of a chunk of blocks in double, and then
// the chunks in their order. Mean and deviation are computed again, which costs less than to keep them.

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
    return RowSums<2>{{g, g * KeepFirst(moments.Normal(LoadFirst(x + c, lanes)), lanes)}};
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

bool HasSums(const LayerNormGradient &gradient) { return gradient.d_weight != nullptr || gradient.d_bias != nullptr; }

// What one task does: rows of a chunk, and their sums.
void ChunkGradient(const LayerNormGradient &gradient, const Chunks &chunks, long chunk, ChannelRows<double> &sums) {
  const LayerNorm &norm = gradient.forward;
  const long channels = norm.channels, start = chunks.Start(chunk), rows = chunks.Pixels(chunk);
  if (HasSums(gradient)) sums.Clear(chunk);
  ChannelRows<float> block_sums(1, kSumRows, channels);
  float *products = block_sums.At(0, kProducts), *gradients = block_sums.At(0, kGradients);
  for (long first = 0; first < rows; first += kBlockPixels) {
    const long count = std::min(kBlockPixels, rows - first), from = start + first * channels;
    const float *x = norm.x + from, *dy = gradient.dy + from;
    RowMoments moments[kBlockPixels];
    if (gradient.dx != nullptr || gradient.d_weight != nullptr) {
      for (long row = 0; row < count; row++) {
        const long at = row * channels;
        moments[row] = MomentsOf(norm, x + at);
        if (gradient.dx != nullptr) InputGradient(norm, moments[row], x + at, dy + at, gradient.dx + from + at);
      }
    }
    if (!HasSums(gradient)) continue;
    block_sums.Clear(0);
    if (gradient.d_weight != nullptr) {
      AddRows(count, channels, products, [&](long row, long c, auto lanes) {
        const long at = row * channels + c;
        return LoadFirst(dy + at, lanes) * moments[row].Normal(LoadFirst(x + at, lanes));
      });
    }
    if (gradient.d_bias != nullptr) {
      AddRows(count, channels, gradients, [&](long row, long c, auto lanes) { return LoadFirst(dy + row * channels + c, lanes); });
    }
    block_sums.AddTo(0, sums, chunk);
  }
}

}  // namespace

void ComputeLayerNormGradient(const LayerNormGradient &gradient, Execution execution) {
  const Chunks chunks(gradient.forward);
  const long channels = gradient.forward.channels;
  ChannelRows<double> sums(HasSums(gradient) ? chunks.Count() : 0, kSumRows, channels);
  ForEach(chunks.Count(), execution.alone, [&](long chunk) { ChunkGradient(gradient, chunks, chunk, sums); });
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
