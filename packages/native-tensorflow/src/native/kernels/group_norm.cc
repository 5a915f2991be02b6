// Group normalisation (Wu & He 2018) of images, with SiLU where asked. An image is read twice: for the sums of each channel, and
// to write the result.

#include <cmath>

#include "norm_parts.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

// Rows of sums, with d = x − the number of the image's first pixel.
enum { kDeviations, kSquares, kSumRows };
// Rows of factors: y = (x − centre) scale + shift
enum { kCentre, kScale, kShift, kFactorRows };

// The mean over a few pixels, roughly.
template <typename Lanes>
Vec RoughMean(const float *x, long pixels, long channels, Lanes lanes) {
  Vec sum = Zero();
  for (long p = 0; p < pixels; p++) sum = sum + LoadFirst(x + p * channels, lanes);
  return sum * Fill(1.f / pixels);
}

// Σ d and Σ d² for each channel of a chunk. They are taken about a pivot, the mean of the chunk's first block, so that no digits
// are lost where numbers are large beside their deviation (shifted sums; Chan, Golub & LeVeque 1983), and then moved to `origin`
// in double.
void SumDeviations(const float *x, long pixels, long channels, const float *origin, double *deviations, double *squares) {
  ChannelRows<float> parts(1, kSumRows + 1, channels);
  parts.Clear(0);
  float *part_deviations = parts.At(0, kDeviations), *part_squares = parts.At(0, kSquares), *pivots = parts.At(0, kSumRows);
  ForEachBlock(pixels, channels, [&](long c, auto lanes, long first, long last) {
    if (first == 0) StoreFirst(pivots + c, lanes, RoughMean(x + c, last, channels, lanes));
    const Vec pivot = LoadFirst(pivots + c, lanes);
    Vec sum = Zero(), square_sum = Zero();
    for (long p = first; p < last; p++) {
      const Vec d = LoadFirst(x + p * channels + c, lanes) - pivot;
      sum = sum + d;
      square_sum = MultiplyAdd(d, d, square_sum);
    }
    AddVector(part_deviations + c, lanes, sum);
    AddVector(part_squares + c, lanes, square_sum);
  });
  for (long c = 0; c < channels; c++) {
    const double shift = static_cast<double>(pivots[c]) - origin[c], sum = part_deviations[c];
    deviations[c] = sum + pixels * shift;
    squares[c] = part_squares[c] + shift * (2 * sum + pixels * shift);
  }
}

struct Moments {
  double mean, reciprocal;  // 1 / √(variance + ε)
};

// Of channels first … last − 1 of an image, each with its offset. Their sums are about `origin`.
Moments GroupMoments(const GroupNorm &norm, long image, long first, long last, const float *origin, const double *deviations,
                     const double *squares) {
  const double pixels = norm.pixels, channels = last - first;
  const auto mean_of = [&](long c) { return origin[c] + OffsetAt(norm, image, c) + deviations[c] / pixels; };
  double mean = 0;
  for (long c = first; c < last; c++) mean += mean_of(c) / channels;
  double variance = 0;
  for (long c = first; c < last; c++) {
    const double within = squares[c] - deviations[c] * deviations[c] / pixels, between = mean_of(c) - mean;
    variance += (std::max(0.0, within) / pixels + between * between) / channels;
  }
  return {mean, 1 / std::sqrt(variance + norm.epsilon)};
}

}  // namespace

void ComputeGroupNorm(const GroupNorm &norm, Execution execution) {
  const Chunks chunks(norm);
  const long channels = norm.channels, width = channels / norm.groups;
  const auto first_pixel = [&](long image) { return norm.x + image * norm.pixels * channels; };

  ChannelRows<double> sums(chunks.Count(), kSumRows, channels);
  ForEach(chunks.Count(), execution.alone, [&](long chunk) {
    SumDeviations(norm.x + chunks.Start(chunk), chunks.Pixels(chunk), channels, first_pixel(chunks.Image(chunk)),
                  sums.At(chunk, kDeviations), sums.At(chunk, kSquares));
  });

  ChannelRows<float> factors(norm.batch, kFactorRows, channels);
  ForEach(norm.batch, execution.alone, [&](long image) {
    AddUpChunks(chunks, image, sums);
    const double *deviations = sums.At(chunks.First(image), kDeviations), *squares = sums.At(chunks.First(image), kSquares);
    for (long group = 0; group < norm.groups; group++) {
      const long first = group * width, last = first + width;
      const Moments moments = GroupMoments(norm, image, first, last, first_pixel(image), deviations, squares);
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
    const float *centre = factors.At(image, kCentre), *scale = factors.At(image, kScale), *shift = factors.At(image, kShift);
    const float *x = norm.x + chunks.Start(chunk);
    float *y = norm.y + chunks.Start(chunk);
    for (long p = 0; p < chunks.Pixels(chunk); p++, x += channels, y += channels) {
      ForEachVector(channels, [&](long c, auto lanes) {
        const Vec d = LoadFirst(x + c, lanes) - LoadFirst(centre + c, lanes);
        const Vec z = MultiplyAdd(d, LoadFirst(scale + c, lanes), LoadFirst(shift + c, lanes));
        StoreFirst(y + c, lanes, norm.silu ? Silu(z) : z);
      });
    }
  });
}

}  // namespace loop
