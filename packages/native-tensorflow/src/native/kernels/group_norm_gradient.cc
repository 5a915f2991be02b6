// The gradient of group normalisation. With r = 1 / √(variance + ε), x̂ = (x + offset − mean) r, and g the gradient of weight x̂ +
// bias, which is dy without SiLU:
//
//   ∂weight = Σ g x̂    ∂bias = Σ g    ∂x = r (weight g − mean(weight g) − x̂ mean(weight g x̂))    ∂offset = Σ ∂x
//
// where the means are those of a group. So three sums over the pixels of each channel are needed, Σ g, Σ g x̂ and Σ x̂, and then ∂x
// is linear in g and x.

#include "norm_parts.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

// Rows of sums over the pixels. That of ∂x takes the place of that of x̂.
enum { kGradients, kProducts, kNormals, kSumRows, kInputGradients = kNormals };
// Rows of factors: first x̂ = (x − centre) scale + shift, then ∂x = g scale + (x − centre) slope + shift.
enum { kCentre, kScale, kShift, kSlope, kFactorRows };

// Writes Σ g, Σ g x̂ and Σ x̂ of a chunk and, where SiLU is taken, g to where ∂x will be: it is costly to compute twice.
void SumGradients(const GroupNormGradient &gradient, long start, long pixels, long image, ChannelRows<float> &factors,
                  double *sums) {
  const GroupNorm &norm = gradient.forward;
  const long channels = norm.channels;
  const float *centre = factors.At(image, kCentre), *scale = factors.At(image, kScale), *shift = factors.At(image, kShift);
  const float *x = norm.x + start, *dy = gradient.dy + start;
  float *g = gradient.dx + start;
  const auto terms = [&](long c, auto lanes, long p) {
    const long at = p * channels + c;
    const Vec d = LoadFirst(x + at, lanes) - LoadFirst(centre + c, lanes);
    const Vec normal = MultiplyAdd(d, LoadFirst(scale + c, lanes), LoadFirst(shift + c, lanes));
    Vec inner = LoadFirst(dy + at, lanes);
    if (norm.silu) {
      inner = inner * SiluSlope(MultiplyAdd(normal, LoadFirst(norm.weight + c, lanes), LoadFirst(norm.bias + c, lanes)));
      StoreFirst(g + at, lanes, inner);
    }
    return Terms<kSumRows>{{inner, inner * normal, normal}};
  };
  SumOverPixels<kSumRows>(pixels, channels, terms, sums);
}

void WriteInputGradient(const float *x, const float *g, long pixels, long channels, ChannelRows<float> &factors, long image,
                        float *dx) {
  const float *centres = factors.At(image, kCentre), *scales = factors.At(image, kScale);
  const float *slopes = factors.At(image, kSlope), *shifts = factors.At(image, kShift);
  ForEachRow(pixels, channels, [&](long c, auto lanes, long p) {
    const long at = p * channels + c;
    const Vec d = LoadFirst(x + at, lanes) - LoadFirst(centres + c, lanes);
    const Vec linear = MultiplyAdd(d, LoadFirst(slopes + c, lanes), LoadFirst(shifts + c, lanes));
    StoreFirst(dx + at, lanes, MultiplyAdd(LoadFirst(g + at, lanes), LoadFirst(scales + c, lanes), linear));
  });
}

}  // namespace

void ComputeGroupNormGradient(const GroupNormGradient &gradient, Execution execution) {
  const GroupNorm &norm = gradient.forward;
  const Chunks chunks(norm);
  const long channels = norm.channels, width = channels / norm.groups;
  const auto mean_of = [&](long image, long group) { return norm.statistics[(image * norm.groups + group) * 2]; };
  const auto reciprocal_of = [&](long image, long group) { return norm.statistics[(image * norm.groups + group) * 2 + 1]; };

  ChannelRows<float> factors(norm.batch, kFactorRows, channels);
  ForEach(norm.batch, execution.alone, [&](long image) {
    for (long c = 0; c < channels; c++) {
      const Centre centre(mean_of(image, c / width) - OffsetAt(norm, image, c));
      const float reciprocal = reciprocal_of(image, c / width);
      factors.At(image, kCentre)[c] = centre.nearest;
      factors.At(image, kScale)[c] = reciprocal;
      factors.At(image, kShift)[c] = static_cast<float>(-centre.rest * reciprocal);
    }
  });

  ChannelRows<double> sums(chunks.Count(), kSumRows, channels);
  ForEach(chunks.Count(), execution.alone, [&](long chunk) {
    SumGradients(gradient, chunks.Start(chunk), chunks.Pixels(chunk), chunks.Image(chunk), factors, sums.At(chunk, 0));
  });

  ForEach(norm.batch, execution.alone, [&](long image) {
    AddUpChunks(chunks, image, sums);
    const double *gradients = sums.At(chunks.First(image), kGradients), *products = sums.At(chunks.First(image), kProducts);
    double *normals = sums.At(chunks.First(image), kNormals);
    const double numbers = static_cast<double>(norm.pixels) * width;
    for (long group = 0; group < norm.groups; group++) {
      double mean_gradient = 0, mean_product = 0;
      for (long c = group * width; c < (group + 1) * width; c++) {
        mean_gradient += norm.weight[c] * gradients[c] / numbers;
        mean_product += norm.weight[c] * products[c] / numbers;
      }
      const double r = reciprocal_of(image, group);
      for (long c = group * width; c < (group + 1) * width; c++) {
        const double shift = factors.At(image, kShift)[c];
        factors.At(image, kScale)[c] = static_cast<float>(r * norm.weight[c]);
        factors.At(image, kSlope)[c] = static_cast<float>(-r * r * mean_product);
        factors.At(image, kShift)[c] = static_cast<float>(-r * (mean_gradient + shift * mean_product));
        normals[c] = r * (norm.weight[c] * gradients[c] - norm.pixels * mean_gradient - normals[c] * mean_product);
      }
    }
  });

  ForEach(chunks.Count(), execution.alone, [&](long i) {
    // Backwards, since what was read last is still in the cache.
    const long chunk = chunks.Count() - 1 - i, image = chunks.Image(chunk);
    const float *g = norm.silu ? gradient.dx : gradient.dy;
    const long start = chunks.Start(chunk);
    WriteInputGradient(norm.x + start, g + start, chunks.Pixels(chunk), channels, factors, image, gradient.dx + start);
  });

  // Over the images, in their order.
  const auto total = [&](long row, long c) {
    double sum = 0;
    for (long image = 0; image < norm.batch; image++) sum += sums.At(chunks.First(image), row)[c];
    return static_cast<float>(sum);
  };
  for (long c = 0; c < channels; c++) {
    gradient.d_weight[c] = total(kProducts, c);
    gradient.d_bias[c] = total(kGradients, c);
    if (norm.offset == nullptr) continue;
    if (norm.shared_offset) {
      gradient.d_offset[c] = total(kInputGradients, c);
    } else {
      for (long image = 0; image < norm.batch; image++) {
        gradient.d_offset[image * channels + c] = static_cast<float>(sums.At(chunks.First(image), kInputGradients)[c]);
      }
    }
  }
}

}  // namespace loop
