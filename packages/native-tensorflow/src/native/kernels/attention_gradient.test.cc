#include <cmath>
#include <string>
#include <vector>

#include "kernels.h"
#include "testing/attention_case.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

// As for attention itself; the magnitudes below bound what each product adds.
constexpr double kLimit = 2e-6;
// What counts as nothing: weights of 0 may come out as 2⁻¹²⁶, which is 1e-38, times queries of 10⁴ here.
constexpr double kNothing = 1e-24;

// y and log_sums that a gradient starts from: those of double precision, rounded.
struct Forward {
  std::vector<float> y, log_sums;
};

Forward ComputeForward(const AttentionCase &c, bool bfloat16) {
  const AttentionShape &s = c.shape;
  Forward forward;
  for (long row = 0; row < s.batch * s.tokens; row++) {
    for (long head = 0; head < s.heads; head++) {
      const AttentionWeights a(c, row, head, bfloat16);
      forward.log_sums.push_back(static_cast<float>(a.log_sum));
      for (long i = 0; i < s.width; i++) {
        double y = 0;
        for (long key = 0; key < s.context; key++) {
          y += a.weights[key] * c.Value().at[(row / s.tokens * s.context + key) * c.Value().stride + head * s.width + i];
        }
        forward.y.push_back(static_cast<float>(y));
      }
    }
  }
  return forward;
}

// Gradients as they lie in memory: of the queries, or of all where they are packed, and of keys and values.
struct Result {
  std::vector<float> queries, context;

  bool operator==(const Result &other) const {
    return HaveSameBits(queries, other.queries) && HaveSameBits(context, other.context);
  }
};

Result Compute(const AttentionCase &c, const Forward &forward, const std::vector<float> &dy, Execution execution) {
  const AttentionShape &s = c.shape;
  Result result{std::vector<float>(c.queries.size(), NAN), std::vector<float>(c.context.size(), NAN)};
  float *d_key = c.packed ? result.queries.data() + c.Columns() : result.context.data();
  ComputeAttentionGradient({s.batch, s.heads, s.width, s.tokens, s.context, c.Query(), c.Key(), c.Value(), forward.y.data(),
                            forward.log_sums.data(), dy.data(), result.queries.data(), d_key, d_key + c.Columns(),
                            c.QueryStride(), c.ContextStride()},
                           execution);
  return result;
}

// Σ of terms, and of their absolute values.
struct Sum {
  double value = 0, magnitude = kNothing;
  void Add(double term, double term_magnitude) {
    value += term;
    magnitude += term_magnitude;
  }
};

double Error(const AttentionCase &c, bool bfloat16, Random &random) {
  const AttentionShape &s = c.shape;
  const Forward forward = ComputeForward(c, bfloat16);
  const std::vector<float> dy = random.Numbers(static_cast<long>(forward.y.size()));
  std::vector<Sum> queries(c.queries.size()), context(c.context.size());
  Sum *d_keys = c.packed ? queries.data() + c.Columns() : context.data(), *d_values = d_keys + c.Columns();
  for (long row = 0; row < s.batch * s.tokens; row++) {
    for (long head = 0; head < s.heads; head++) {
      const AttentionWeights a(c, row, head, bfloat16);
      // What a weight may be off by, as a part of itself.
      const double doubt = 1 + a.score_magnitude;
      const float *query = c.Query().at + row * c.QueryStride() + head * s.width;
      const float *d = dy.data() + row * c.Columns() + head * s.width;
      std::vector<Sum> d_weights(s.context);
      Sum correction;
      for (long key = 0; key < s.context; key++) {
        const float *value = c.Value().at + (row / s.tokens * s.context + key) * c.ContextStride() + head * s.width;
        for (long i = 0; i < s.width; i++) {
          const double term = Operand(d[i], bfloat16) * Operand(value[i], bfloat16);
          d_weights[key].Add(term, std::abs(term));
        }
      }
      for (long i = 0; i < s.width; i++) {
        const double term = static_cast<double>(d[i]) * forward.y[row * c.Columns() + head * s.width + i];
        correction.Add(term, std::abs(term));
      }
      for (long key = 0; key < s.context; key++) {
        const double exact_weight = a.weights[key];
        const double d_magnitude = exact_weight * (d_weights[key].magnitude + correction.magnitude) * doubt;
        const ComputedOperand weight(exact_weight, kLimit * exact_weight * doubt, bfloat16);
        const ComputedOperand d_score(exact_weight * (d_weights[key].value - correction.value), kLimit * d_magnitude, bfloat16);
        const double weight_magnitude = exact_weight * doubt + weight.doubt / kLimit;
        const double d_score_magnitude = d_magnitude + d_score.doubt / kLimit;
        const long at = (row / s.tokens * s.context + key) * c.ContextStride() + head * s.width;
        for (long i = 0; i < s.width; i++) {
          const double k = Operand(c.Key().at[at + i], bfloat16), q = Operand(query[i], bfloat16), d_y = Operand(d[i], bfloat16);
          queries[row * c.QueryStride() + head * s.width + i].Add(d_score.value * k, d_score_magnitude * std::abs(k));
          d_keys[at + i].Add(d_score.value * q, d_score_magnitude * std::abs(q));
          d_values[at + i].Add(weight.value * d_y, weight_magnitude * std::abs(d_y));
        }
      }
    }
  }
  const Result actual = Compute(c, forward, dy, {true, bfloat16});
  const auto error = [](const std::vector<float> &numbers, const std::vector<Sum> &sums) {
    std::vector<double> expected, magnitude;
    for (const Sum &sum : sums) {
      expected.push_back(sum.value);
      magnitude.push_back(sum.magnitude);
    }
    return LargestError(numbers, expected, magnitude);
  };
  return std::max(error(actual.queries, queries), error(actual.context, context));
}

Outcome CompareOnce(Random &random, float largest, bool bfloat16) {
  const AttentionCase drawn = DrawAttentionCase(random, largest);
  return {Error(drawn, bfloat16, random), drawn.shape.Name()};
}

const bool usual = Compare("attention gradient", kLimit, [](Random &random) { return CompareOnce(random, 3, false); });
const bool large = Compare("attention gradient: scores of 10⁴", kLimit, [](Random &random) {
  return CompareOnce(random, 3e4f, false);
});
const bool usual_bfloat16 = HasBfloat16() && Compare("attention gradient, bfloat16", kLimit, [](Random &random) {
                              return CompareOnce(random, 3, true);
                            });
const bool large_bfloat16 = HasBfloat16() && Compare("attention gradient, bfloat16: scores of 10⁴", kLimit, [](Random &random) {
                              return CompareOnce(random, 3e4f, true);
                            });

// Thousands of queries are cut into slices, which few heads compute at the same time and many one after the other.
std::string CompareBatches(bool bfloat16) {
  Random random(1);
  for (const AttentionShape &shape :
       {AttentionShape{4, 1, 7, 2500, 50}, {4, 1, 2, 2500, 300}, {4, 2, 40, 77, 300}, {4, 3, 512, 40, 40}, {4, 1, 1, 1, 1}}) {
    const AttentionCase c(shape, false, 3, random);
    const Forward forward = ComputeForward(c, bfloat16);
    const std::vector<float> dy = random.Numbers(static_cast<long>(forward.y.size()));
    const Result all = Compute(c, forward, dy, {false, bfloat16});
    if (!(all == Compute(c, forward, dy, {true, bfloat16}))) return "other bits alone, " + shape.Name();
    for (long image = 0; image < shape.batch; image++) {
      const Result expected{c.ImagesOf(all.queries, image, 1), c.ImagesOf(all.context, image, 1)};
      const Forward part{c.ImagesOf(forward.y, image, 1), c.ImagesOf(forward.log_sums, image, 1)};
      if (!(Compute(c.Images(image, 1), part, c.ImagesOf(dy, image, 1), {false, bfloat16}) == expected)) {
        return "image " + std::to_string(image) + " of " + shape.Name();
      }
    }
  }
  return std::string();
}
const bool same_bits = Require("attention gradient: an image has the same bits in any batch, alone or not",
                               [] { return CompareBatches(false); });
const bool same_bits_bfloat16 =
    HasBfloat16() && Require("attention gradient, bfloat16: an image has the same bits in any batch, alone or not",
                             [] { return CompareBatches(true); });

const bool slices = Require("attention gradient: slices of thousands of queries add up", [] {
  Random random(2);
  const AttentionCase c({1, 1, 3, 5000, 20}, false, 3, random);
  for (const bool bfloat16 : {false, HasBfloat16()}) {
    const double error = Error(c, bfloat16, random);
    if (!(error <= kLimit)) return (bfloat16 ? "bfloat16: error " : "error ") + std::to_string(error);
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
