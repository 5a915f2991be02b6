// Group normalisation (Wu & He 2018) of images, with SiLU where asked. An image is read twice: for the sums of each channel, and
// to write the result.

#include <cmath>

#include "norm_parts.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

// Rows of sums, with d = x − pivot.
enum { kDeviations, kSquares, kSumRows };
// Rows of factors: y = (x − centre) scale + shift. The pivot is there before them.
enum { kCentre, kScale, kShift, kFactorRows, kPivot = kCentre };

// The mean of each channel, roughly: over a few pixels that lie evenly in an image. Deviations from it are as large as those from
// the mean, so that no digits are lost where numbers are large beside them (shifted sums; Chan, Golub & LeVeque 1983).
void FindPivots(const float *x, long pixels, long channels, float *pivots) {
  const long count = std::min(kLeastPixels, pixels);
  const auto number = [&](long c, auto lanes, long i) {
    return Terms<1>{{LoadFirst(x + i * pixels / count * channels + c, lanes)}};
  };
  Buffer<double> sums(channels);
  SumOverPixels<1>(count, channels, number, sums.get());
  for (long c = 0; c < channels; c++) pivots[c] = static_cast<float>(sums[c] / count);
}

// Σ d and Σ d² for each channel of a chunk.
void SumDeviations(const float *x, long pixels, long channels, const float *pivots, double *sums) {
  const auto deviation = [&](long c, auto lanes, long p) {
    const Vec d = LoadFirst(x + p * channels + c, lanes) - LoadFirst(pivots + c, lanes);
    return Terms<kSumRows>{{d, d * d}};
  };
  SumOverPixels<kSumRows>(pixels, channels, deviation, sums);
}

void WriteNormal(const float *x, long pixels, long channels, const float *centres, const float *scales, const float *shifts,
                 bool silu, float *y) {
  ForEachRow(pixels, channels, [&](long c, auto lanes, long p) {
    const Vec d = LoadFirst(x + p * channels + c, lanes) - LoadFirst(centres + c, lanes);
    const Vec z = MultiplyAdd(d, LoadFirst(scales + c, lanes), LoadFirst(shifts + c, lanes));
    StoreFirst(y + p * channels + c, lanes, silu ? Silu(z) : z);
  });
}

struct Moments {
  double mean, reciprocal;  // 1 / √(variance + ε)
};

// Of channels first … last − 1 of an image, each with its offset.
Moments GroupMoments(const GroupNorm &norm, long image, long first, long last, const float *pivots, const double *deviations,
                     const double *squares) {
  const double pixels = norm.pixels, channels = last - first;
  const auto mean_of = [&](long c) { return pivots[c] + OffsetAt(norm, image, c) + deviations[c] / pixels; };
  double mean = 0;
  for (long c = first; c < last; c++) mean += mean_of(c) / channels;
  double variance = 0;
  for (long c = first; c < last; c++) {
    const double within = squares[c] - deviations[c] * deviations[c] / pixels, between = mean_of(c) - mean;
    variance += (within / pixels + between * between) / channels;
  }
  // Not std::max, which would make 0 of what is not a number.
  return {mean, 1 / std::sqrt((variance < 0 ? 0 : variance) + norm.epsilon)};
}

}  // namespace

void ComputeGroupNorm(const GroupNorm &norm, Execution execution) {
  const Chunks chunks(norm);
  const long channels = norm.channels, width = channels / norm.groups;
  ChannelRows<float> factors(norm.batch, kFactorRows, channels);
  ForEach(norm.batch, execution.alone, [&](long image) {
    FindPivots(norm.x + image * norm.pixels * channels, norm.pixels, channels, factors.At(image, kPivot));
  });

  ChannelRows<double> sums(chunks.Count(), kSumRows, channels);
  ForEach(chunks.Count(), execution.alone, [&](long chunk) {
    SumDeviations(norm.x + chunks.Start(chunk), chunks.Pixels(chunk), channels, factors.At(chunks.Image(chunk), kPivot),
                  sums.At(chunk, 0));
  });

  ForEach(norm.batch, execution.alone, [&](long image) {
    AddUpChunks(chunks, image, sums);
    const double *deviations = sums.At(chunks.First(image), kDeviations), *squares = sums.At(chunks.First(image), kSquares);
    for (long group = 0; group < norm.groups; group++) {
      const long first = group * width, last = first + width;
      const Moments moments = GroupMoments(norm, image, first, last, factors.At(image, kPivot), deviations, squares);
      float *statistics = norm.statistics + (image * norm.groups + group) * 2;
      statistics[0] = static_cast<float>(moments.mean);
      statistics[1] = static_cast<float>(moments.reciprocal);
      for (long c = first; c < last; c++) {
        const Centre centre(moments.mean - OffsetAt(norm, image, c));
        const double scale = norm.weight[c] * moments.reciprocal;
        factors.At(image, kCentre)[c] = centre.nearest;
        factors.At(image, kScale)[c] = static_cast<float>(scale);
        factors.At(image, kShift)[c] = static_cast<float>(norm.bias[c] - centre.rest * scale);
      }
    }
  });

  ForEach(chunks.Count(), execution.alone, [&](long i) {
    // Backwards, since what was read last is still in the cache.
    const long chunk = chunks.Count() - 1 - i, image = chunks.Image(chunk);
    WriteNormal(norm.x + chunks.Start(chunk), chunks.Pixels(chunk), channels, factors.At(image, kCentre),
                factors.At(image, kScale), factors.At(image, kShift), norm.silu, norm.y + chunks.Start(chunk));
  });
}

}  // namespace loop
