#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels.h"
#include "norm_parts.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

struct Gradients {
  Floats dx, d_weight, d_bias;
};

// A layer with its input, and the gradient of its result.
struct Case {
  long rows, channels;
  float epsilon = 1e-5f;
  Floats x, weight, bias, dy;

  // Numbers around `level`, up to `spread` away from it.
  Case(long rows, long channels, float level, float spread, Random &random)
      : rows(rows),
        channels(channels),
        x(random.Numbers(rows * channels, spread, level)),
        weight(random.Numbers(channels)),
        bias(random.Numbers(channels)),
        dy(random.Numbers(rows * channels)) {}

  std::string Name() const { return std::to_string(rows) + "×" + std::to_string(channels); }

  // Of rows first … last − 1, as a batch of their own.
  LayerNorm Layer(long first, long last, float *y) const {
    return {last - first, channels, epsilon, x.data() + first * channels, weight.data(), bias.data(), y};
  }
  Floats Compute(long first, long last, bool alone) const {
    Floats y((last - first) * channels, NAN);
    ComputeLayerNorm(Layer(first, last, y.data()), {alone});
    return y;
  }
  // Empty ones are not wanted.
  void Gradient(long first, long last, bool alone, Gradients &wanted) const {
    const auto pointer = [](Floats &numbers) { return numbers.empty() ? nullptr : numbers.data(); };
    ComputeLayerNormGradient({Layer(first, last, nullptr), dy.data() + first * channels, pointer(wanted.dx),
                              pointer(wanted.d_weight), pointer(wanted.d_bias)},
                             {alone});
  }
  Gradients Gradient(long first, long last, bool alone) const {
    Gradients all{Floats((last - first) * channels, NAN), Floats(channels, NAN), Floats(channels, NAN)};
    Gradient(first, last, alone, all);
    return all;
  }

  // x̂ of a row, and 1 / √(variance + ε).
  double Normals(long row, Doubles &normals) const {
    double mean = 0, variance = 0;
    for (long c = 0; c < channels; c++) mean += static_cast<double>(x[row * channels + c]) / channels;
    for (long c = 0; c < channels; c++) variance += std::pow(x[row * channels + c] - mean, 2) / channels;
    const double reciprocal = 1 / std::sqrt(variance + epsilon);
    normals.resize(channels);
    for (long c = 0; c < channels; c++) normals[c] = (x[row * channels + c] - mean) * reciprocal;
    return reciprocal;
  }
};

Case DrawCase(Random &random) {
  // Now and then several blocks of rows, or many channels.
  const bool tall = random.Whole(0, 7) == 0, wide = !tall && random.Whole(0, 7) == 0;
  const long rows = random.Whole(1, tall ? 3 * kLeastPixels + 5 : 9), channels = random.Whole(1, wide ? 2000 : 90);
  // Down to a hundred-thousandth of the level.
  const float level = random.Coin() ? 0 : 1000 * random.Number();
  const float spread = level == 0 ? 1 : std::exp2(-static_cast<float>(random.Whole(0, 16))) * 1000;
  return Case(rows, channels, level, spread, random);
}

Outcome ForwardError(const Case &a) {
  Doubles y, size, normals;
  for (long row = 0; row < a.rows; row++) {
    a.Normals(row, normals);
    for (long c = 0; c < a.channels; c++) {
      y.push_back(normals[c] * a.weight[c] + a.bias[c]);
      size.push_back(std::abs(a.weight[c]) * (std::abs(normals[c]) + 1) + std::abs(a.bias[c]));
    }
  }
  return {LargestError(a.Compute(0, a.rows, true), y, size), a.Name()};
}

Outcome GradientError(const Case &a) {
  Doubles dx, dx_size, normals;
  Doubles d_weight(a.channels), d_weight_size(a.channels), d_bias(a.channels), d_bias_size(a.channels);
  for (long row = 0; row < a.rows; row++) {
    const double reciprocal = a.Normals(row, normals);
    const float *dy = a.dy.data() + row * a.channels;
    double mean = 0, product = 0, mean_size = 0, product_size = 0;
    for (long c = 0; c < a.channels; c++) {
      const double g = static_cast<double>(a.weight[c]) * dy[c], n = normals[c];
      mean += g / a.channels;
      mean_size += std::abs(g) / a.channels;
      product += g * n / a.channels;
      product_size += std::abs(g) * (std::abs(n) + 1) / a.channels;
      d_weight[c] += dy[c] * n;
      d_weight_size[c] += std::abs(dy[c]) * (std::abs(n) + 1);
      d_bias[c] += dy[c];
      d_bias_size[c] += std::abs(dy[c]);
    }
    for (long c = 0; c < a.channels; c++) {
      const double g = static_cast<double>(a.weight[c]) * dy[c], n = normals[c];
      dx.push_back(reciprocal * (g - mean - n * product));
      dx_size.push_back(reciprocal * (std::abs(g) + mean_size + (std::abs(n) + 1) * product_size));
    }
  }
  const Gradients gradients = a.Gradient(0, a.rows, true);
  Outcome worst{0, ""};
  const auto add = [&](const char *name, const Floats &actual, const Doubles &expected, const Doubles &size) {
    const double error = LargestError(actual, expected, size);
    if (error > worst.error) worst = {error, a.Name() + ": " + name};
  };
  add("dx", gradients.dx, dx, dx_size);
  add("d_weight", gradients.d_weight, d_weight, d_weight_size);
  add("d_bias", gradients.d_bias, d_bias, d_bias_size);
  return worst;
}

// Roundings of 2⁻²⁴: of x − centre, of the two factors, of x̂, of the last product and sum.
constexpr double kLimit = 5 * 0x1p-24;

const bool forward = Compare("layer norm", kLimit, [](Random &random) { return ForwardError(DrawCase(random)); });
const bool gradient = Compare("layer norm gradient", kLimit, [](Random &random) { return GradientError(DrawCase(random)); });

// Several chunks of rows, the last one not whole.
Case LargeCase(float level, float spread, Random &random) { return Case(3 * kChunkNumbers / 37 + 7, 37, level, spread, random); }

const bool large = Require("layer norm: many rows, and numbers far from 0, are as right as few", [] {
  Random random(1);
  for (const auto &[level, spread] : {std::pair<float, float>{0, 1}, {1000, 0.01f}}) {
    const Case a = LargeCase(level, spread, random);
    for (const Outcome &outcome : {ForwardError(a), GradientError(a)}) {
      if (!(outcome.error <= kLimit)) return outcome.shape + ": " + std::to_string(outcome.error * 1e9) + "e-9";
    }
  }
  return std::string();
});

bool AreSame(const Floats &a, const float *b) { return std::memcmp(a.data(), b, a.size() * sizeof(float)) == 0; }

const bool batches = Require("layer norm: a row has the same bits in every batch and on any number of threads", [] {
  Random random(1);
  for (const Case &a : {LargeCase(0.5f, 1, random), Case(11, 130, 0.5f, 1, random), Case(3, 1, 0.5f, 1, random)}) {
    const Floats whole = a.Compute(0, a.rows, false);
    const Gradients gradients = a.Gradient(0, a.rows, false), alone = a.Gradient(0, a.rows, true);
    if (!AreSame(alone.dx, gradients.dx.data()) || !AreSame(alone.d_weight, gradients.d_weight.data()) ||
        !AreSame(alone.d_bias, gradients.d_bias.data())) {
      return a.Name() + ": the gradient differs on one thread";
    }
    for (const auto &[first, last] : {std::pair<long, long>{0, 1}, {1, a.rows}, {a.rows / 2, a.rows}}) {
      const long at = first * a.channels;
      if (!AreSame(a.Compute(first, last, last == 1), whole.data() + at) ||
          !AreSame(a.Gradient(first, last, last == 1).dx, gradients.dx.data() + at)) {
        return a.Name() + ": rows from " + std::to_string(first) + " on differ";
      }
    }
  }
  return std::string();
});

const bool wanted = Require("layer norm: each gradient has the same bits where it is wanted alone", [] {
  Random random(1);
  const Case a = LargeCase(0.5f, 1, random);
  const Gradients all = a.Gradient(0, a.rows, false);
  for (Floats Gradients::*one : {&Gradients::dx, &Gradients::d_weight, &Gradients::d_bias}) {
    Gradients gradients;
    (gradients.*one).resize((all.*one).size(), NAN);
    a.Gradient(0, a.rows, false, gradients);
    if (!AreSame(gradients.*one, (all.*one).data())) return std::string("one differs");
  }
  return std::string();
});

const bool ends = Require("layer norm: what is not a number, or infinite, shows in its own row", [] {
  Random random(1);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const long channels : {1, 19, 70}) {
      Case a(5, channels, 0, 1, random);
      const Floats y = a.Compute(0, 5, true), dx = a.Gradient(0, 5, true).dx;
      a.x[2 * channels + channels / 2] = bad;
      const Floats bad_y = a.Compute(0, 5, true), bad_dx = a.Gradient(0, 5, true).dx;
      for (long i = 0; i < 5 * channels; i++) {
        const bool is_bad = i / channels == 2;
        if (is_bad ? std::isfinite(bad_y[i]) || std::isfinite(bad_dx[i]) : bad_y[i] != y[i] || bad_dx[i] != dx[i]) {
          return a.Name() + ": number " + std::to_string(i);
        }
      }
    }
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
