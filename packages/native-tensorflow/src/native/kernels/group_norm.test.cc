#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "norm_parts.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

enum class OffsetKind { kNone, kShared, kPerImage };

struct Shape {
  long batch, pixels, groups, width;  // width: the channels of a group
  bool silu;
  OffsetKind offset;

  long Channels() const { return groups * width; }
  long Numbers() const { return batch * pixels * Channels(); }
  std::string Name() const {
    return std::to_string(batch) + "×" + std::to_string(pixels) + "×" + std::to_string(groups) + "·" + std::to_string(width) +
           (silu ? " silu" : "") + (offset == OffsetKind::kNone ? "" : offset == OffsetKind::kShared ? " shared offset" : " offset");
  }
};

constexpr OffsetKind kOffsets[] = {OffsetKind::kNone, OffsetKind::kShared, OffsetKind::kPerImage};

Shape DrawShape(Random &random) {
  // Now and then several blocks of pixels, and one or many channels.
  const bool tall = random.Whole(0, 7) == 0, wide = !tall && random.Whole(0, 7) == 0;
  const long pixels = random.Whole(1, tall ? 3 * kLeastPixels + 5 : 9);
  const long groups = random.Whole(1, 5), width = random.Whole(1, wide ? 40 : 4);
  return {random.Whole(1, 3), pixels, groups, width, random.Coin(), kOffsets[random.Whole(0, 2)]};
}

struct Results {
  Floats y, statistics;
};
struct Gradients {
  Floats dx, d_weight, d_bias, d_offset;
};

// A layer with its input, and the gradient of its result.
struct Case {
  Shape shape;
  float epsilon = 1e-5f;
  Floats x, weight, bias, offset, dy;

  // Numbers around `level`, up to `spread` away from it.
  Case(const Shape &shape, float level, float spread, Random &random)
      : shape(shape),
        x(random.Numbers(shape.Numbers(), spread, level)),
        weight(random.Numbers(shape.Channels())),
        bias(random.Numbers(shape.Channels())),
        offset(random.Numbers(OffsetRows() * shape.Channels(), spread)),
        dy(random.Numbers(shape.Numbers())) {}

  long OffsetRows() const {
    return shape.offset == OffsetKind::kNone ? 0 : shape.offset == OffsetKind::kShared ? 1 : shape.batch;
  }
  long ImageNumbers() const { return shape.pixels * shape.Channels(); }
  double OffsetAt(long image, long channel) const {
    if (shape.offset == OffsetKind::kNone) return 0;
    return offset[(shape.offset == OffsetKind::kShared ? 0 : image * shape.Channels()) + channel];
  }
  // Of images first … last − 1.
  GroupNorm Layer(long first, long last, float *y, float *statistics) const {
    const float *from = offset.empty() ? nullptr : offset.data();
    if (shape.offset == OffsetKind::kPerImage) from += first * shape.Channels();
    return {last - first, shape.pixels, shape.Channels(), shape.groups, epsilon, shape.silu, x.data() + first * ImageNumbers(),
            weight.data(), bias.data(), from, shape.offset == OffsetKind::kShared, y, statistics};
  }

  Results Compute(long first, long last, bool alone) const {
    Results results{Floats((last - first) * ImageNumbers(), NAN), Floats((last - first) * shape.groups * 2, NAN)};
    ComputeGroupNorm(Layer(first, last, results.y.data(), results.statistics.data()), {alone});
    return results;
  }
  Gradients Gradient(const Floats &statistics, long first, long last, bool alone) const {
    const long channels = shape.Channels();
    const long offset_rows = shape.offset == OffsetKind::kPerImage ? last - first : OffsetRows();
    Gradients g{Floats((last - first) * ImageNumbers(), NAN), Floats(channels, NAN), Floats(channels, NAN),
                Floats(offset_rows * channels, NAN)};
    Floats part(statistics.begin() + first * shape.groups * 2, statistics.begin() + last * shape.groups * 2);
    ComputeGroupNormGradient({Layer(first, last, nullptr, part.data()), dy.data() + first * ImageNumbers(), g.dx.data(),
                              g.d_weight.data(), g.d_bias.data(), offset_rows == 0 ? nullptr : g.d_offset.data()},
                             {alone});
    return g;
  }

  // Calls visit(index in x, channel) for each number of a group.
  template <typename Visit>
  void ForEachNumber(long image, long group, const Visit &visit) const {
    for (long p = 0; p < shape.pixels; p++) {
      for (long c = group * shape.width; c < (group + 1) * shape.width; c++) {
        visit((image * shape.pixels + p) * shape.Channels() + c, c);
      }
    }
  }
  template <typename Visit>
  void ForEachGroup(const Visit &visit) const {
    for (long image = 0; image < shape.batch; image++) {
      for (long group = 0; group < shape.groups; group++) visit(image, group);
    }
  }
};

Case DrawCase(Random &random) {
  const Shape shape = DrawShape(random);
  // Down to a hundred-thousandth of the level.
  const float level = random.Coin() ? 0 : 1000 * random.Number();
  const float spread = level == 0 ? 1 : std::exp2(-static_cast<float>(random.Whole(0, 16))) * 1000;
  return Case(shape, level, spread, random);
}

// The largest of the errors of several results.
struct Errors {
  Outcome worst{0, ""};
  void Add(const char *name, const Floats &actual, const Doubles &expected, const Doubles &magnitude) {
    const double error = LargestError(actual, expected, magnitude);
    if (error > worst.error) worst = {error, name};
  }
  Outcome Of(const Shape &shape) { return {worst.error, shape.Name() + ": " + worst.shape}; }
};

Outcome ForwardError(const Case &a) {
  Doubles y(a.x.size()), y_size(a.x.size()), statistics, statistics_size;
  a.ForEachGroup([&](long image, long group) {
    const double count = static_cast<double>(a.shape.pixels) * a.shape.width;
    double mean = 0, variance = 0;
    const auto value = [&](long i, long c) { return a.x[i] + a.OffsetAt(image, c); };
    a.ForEachNumber(image, group, [&](long i, long c) { mean += value(i, c) / count; });
    a.ForEachNumber(image, group, [&](long i, long c) { variance += std::pow(value(i, c) - mean, 2) / count; });
    const double reciprocal = 1 / std::sqrt(variance + a.epsilon);
    statistics.insert(statistics.end(), {mean, reciprocal});
    statistics_size.insert(statistics_size.end(), {std::abs(mean) + std::sqrt(variance), reciprocal});
    a.ForEachNumber(image, group, [&](long i, long c) {
      const double normal = (value(i, c) - mean) * reciprocal, z = normal * a.weight[c] + a.bias[c];
      y[i] = a.shape.silu ? z / (1 + std::exp(-z)) : z;
      y_size[i] = std::abs(a.weight[c]) * (std::abs(normal) + 1) + std::abs(a.bias[c]);
    });
  });
  const Results results = a.Compute(0, a.shape.batch, true);
  Errors errors;
  errors.Add("y", results.y, y, y_size);
  errors.Add("statistics", results.statistics, statistics, statistics_size);
  return errors.Of(a.shape);
}

// From the statistics that the kernel itself is given, so that only its own rounding shows.
Outcome GradientError(const Case &a) {
  const long channels = a.shape.Channels();
  const Floats statistics = a.Compute(0, a.shape.batch, true).statistics;
  Doubles dx(a.x.size()), dx_size(a.x.size());
  Doubles d_weight(channels), d_weight_size(channels), d_bias(channels), d_bias_size(channels);
  Doubles d_offset(a.OffsetRows() * channels), d_offset_size(a.OffsetRows() * channels);
  a.ForEachGroup([&](long image, long group) {
    const double mean = statistics[(image * a.shape.groups + group) * 2];
    const double reciprocal = statistics[(image * a.shape.groups + group) * 2 + 1];
    const double count = static_cast<double>(a.shape.pixels) * a.shape.width;
    const auto normal = [&](long i, long c) { return (a.x[i] + a.OffsetAt(image, c) - mean) * reciprocal; };
    // The gradient of z = weight x̂ + bias, and what its rounding may be compared with: that of z, and dy itself.
    const auto inner = [&](long i, long c) {
      const double z = normal(i, c) * a.weight[c] + a.bias[c], s = 1 / (1 + std::exp(-z));
      return a.dy[i] * (a.shape.silu ? s + z * s / (1 + std::exp(z)) : 1);
    };
    const auto size = [&](long i, long c) {
      return std::abs(a.dy[i]) * (a.shape.silu ? 1 + std::abs(normal(i, c) * a.weight[c]) + std::abs(a.bias[c]) : 1);
    };
    double mean_gradient = 0, mean_product = 0, mean_gradient_size = 0, mean_product_size = 0;
    a.ForEachNumber(image, group, [&](long i, long c) {
      const double n = normal(i, c), g = inner(i, c), g_size = size(i, c);
      d_weight[c] += g * n;
      d_weight_size[c] += g_size * std::abs(n) + std::abs(g);
      d_bias[c] += g;
      d_bias_size[c] += g_size;
      mean_gradient += a.weight[c] * g / count;
      mean_gradient_size += std::abs(a.weight[c]) * g_size / count;
      mean_product += a.weight[c] * g * n / count;
      mean_product_size += std::abs(a.weight[c]) * g_size * (std::abs(n) + 1) / count;
    });
    a.ForEachNumber(image, group, [&](long i, long c) {
      const double n = normal(i, c);
      dx[i] = reciprocal * (a.weight[c] * inner(i, c) - mean_gradient - n * mean_product);
      dx_size[i] = reciprocal * (std::abs(a.weight[c]) * size(i, c) + mean_gradient_size + (std::abs(n) + 1) * mean_product_size);
      if (a.shape.offset == OffsetKind::kNone) return;
      const long at = (a.shape.offset == OffsetKind::kShared ? 0 : image * channels) + c;
      d_offset[at] += dx[i];
      d_offset_size[at] += dx_size[i];
    });
  });
  const Gradients g = a.Gradient(statistics, 0, a.shape.batch, true);
  Errors errors;
  errors.Add("dx", g.dx, dx, dx_size);
  errors.Add("d_weight", g.d_weight, d_weight, d_weight_size);
  errors.Add("d_bias", g.d_bias, d_bias, d_bias_size);
  errors.Add("d_offset", g.d_offset, d_offset, d_offset_size);
  return errors.Of(a.shape);
}

// Five roundings of 2⁻²⁴: of what enters, of the factors, of the last product and sum; sums over pixels add little, since they
// are taken in short pieces.
constexpr double kLimit = 5 * 0x1p-24;

const bool forward = Compare("group norm", kLimit, [](Random &random) { return ForwardError(DrawCase(random)); });
const bool gradient = Compare("group norm gradient", kLimit, [](Random &random) { return GradientError(DrawCase(random)); });

std::string Complaint(const Outcome &outcome) { return outcome.shape + ": " + std::to_string(outcome.error * 1e9) + "e-9"; }

// Several chunks of several blocks, the last ones not whole.
Shape LargeShape(bool silu, OffsetKind offset) { return {2, 3 * kChunkNumbers / 36 + 7, 4, 9, silu, offset}; }

const bool large = Require("group norm: large images, and numbers far from 0, are as right as small ones", [] {
  Random random(1);
  for (const OffsetKind offset : kOffsets) {
    for (const auto &[level, spread] : {std::pair<float, float>{0, 1}, {1000, 0.01f}}) {
      const Case a(LargeShape(true, offset), level, spread, random);
      const Outcome forward = ForwardError(a), gradient = GradientError(a);
      if (!(forward.error <= kLimit)) return Complaint(forward);
      if (!(gradient.error <= kLimit)) return "gradient, " + Complaint(gradient);
    }
  }
  return std::string();
});

// It moves the mean of the first block, about which sums are taken, by a thirty-second of itself: still much for the others.
const bool outlier = Require("group norm: one number far from the others, first of all, costs few digits", [] {
  Random random(1);
  Case a(LargeShape(false, OffsetKind::kNone), 1, 0.1f, random);
  for (long image = 0; image < a.shape.batch; image++) a.x[image * a.ImageNumbers()] = 1e4;
  const Outcome outcome = ForwardError(a);
  return outcome.error <= 1e-6 ? std::string() : Complaint(outcome);
});

bool AreSame(const Floats &a, const float *b) { return a.empty() || std::memcmp(a.data(), b, a.size() * sizeof(float)) == 0; }

const bool batches = Require("group norm: an image has the same bits in every batch and on any number of threads", [] {
  Random random(1);
  for (const OffsetKind offset : kOffsets) {
    for (const Shape &shape : {LargeShape(true, offset), Shape{5, 7, 3, 11, true, offset}, Shape{3, 1, 33, 1, false, offset}}) {
      const Case a(shape, 0.5f, 1, random);
      const Results whole = a.Compute(0, shape.batch, false);
      const Gradients gradients = a.Gradient(whole.statistics, 0, shape.batch, false);
      const Gradients alone = a.Gradient(whole.statistics, 0, shape.batch, true);
      if (!AreSame(alone.dx, gradients.dx.data()) || !AreSame(alone.d_weight, gradients.d_weight.data()) ||
          !AreSame(alone.d_bias, gradients.d_bias.data()) || !AreSame(alone.d_offset, gradients.d_offset.data())) {
        return shape.Name() + ": the gradient differs on one thread";
      }
      for (long image = 0; image < shape.batch; image++) {
        const Results one = a.Compute(image, image + 1, image % 2 == 0);
        const Gradients its = a.Gradient(whole.statistics, image, image + 1, image % 2 == 0);
        if (!AreSame(one.y, whole.y.data() + image * a.ImageNumbers()) ||
            !AreSame(one.statistics, whole.statistics.data() + image * shape.groups * 2)) {
          return shape.Name() + ": image " + std::to_string(image) + " differs";
        }
        if (!AreSame(its.dx, gradients.dx.data() + image * a.ImageNumbers())) {
          return shape.Name() + ": dx of image " + std::to_string(image) + " differs";
        }
        if (offset == OffsetKind::kPerImage && !AreSame(its.d_offset, gradients.d_offset.data() + image * shape.Channels())) {
          return shape.Name() + ": d_offset of image " + std::to_string(image) + " differs";
        }
      }
    }
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
