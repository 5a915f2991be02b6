#include <cmath>
#include <string>
#include <vector>

#include "kernels.h"
#include "testing/attention_case.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

// Sums have up to 600 steps, each of which rounds by at most 6e-8 of what has been added up: about √600 times that remains of
// ups and downs, and a little more at worst.
constexpr double kLimit = 2e-6;

struct Result {
  std::vector<float> y, log_sums;

  bool operator==(const Result &other) const { return HaveSameBits(y, other.y) && HaveSameBits(log_sums, other.log_sums); }
};

Result Compute(const AttentionCase &c, bool alone) {
  const AttentionShape &s = c.shape;
  Result result{std::vector<float>(s.batch * s.tokens * c.Columns(), NAN), std::vector<float>(s.batch * s.tokens * s.heads, NAN)};
  ComputeAttention({s.batch, s.heads, s.width, s.tokens, s.context, c.Query(), c.Key(), c.Value(), result.y.data(),
                    result.log_sums.data()},
                   {alone});
  return result;
}

double Error(const AttentionCase &c) {
  const AttentionShape &s = c.shape;
  std::vector<double> y, y_magnitude, log_sums, log_sums_magnitude;
  for (long row = 0; row < s.batch * s.tokens; row++) {
    for (long head = 0; head < s.heads; head++) {
      const AttentionWeights a(c, row, head);
      log_sums.push_back(a.log_sum);
      log_sums_magnitude.push_back(1 + a.score_magnitude);
      for (long i = 0; i < s.width; i++) {
        double expected = 0, magnitude = 0;
        for (long key = 0; key < s.context; key++) {
          const float value = c.Value().at[(row / s.tokens * s.context + key) * c.Value().stride + head * s.width + i];
          expected += a.weights[key] * value;
          magnitude += a.weights[key] * std::abs(value);
        }
        y.push_back(expected);
        y_magnitude.push_back(magnitude * (1 + a.score_magnitude));
      }
    }
  }
  const Result actual = Compute(c, true);
  return std::max(LargestError(actual.y, y, y_magnitude), LargestError(actual.log_sums, log_sums, log_sums_magnitude));
}

Outcome CompareOnce(Random &random, float largest) {
  const AttentionCase drawn = DrawAttentionCase(random, largest);
  return {Error(drawn), drawn.shape.Name()};
}

const bool usual = Compare("attention", kLimit, [](Random &random) { return CompareOnce(random, 3); });
const bool large = Compare("attention: scores of 10⁴", kLimit, [](Random &random) { return CompareOnce(random, 3e4f); });

const bool same_bits = Require("attention: an image has the same bits in any batch, alone or not", [] {
  Random random(1);
  for (const AttentionShape &shape :
       {AttentionShape{3, 2, 40, 77, 300}, {3, 1, 7, 300, 77}, {3, 3, 512, 40, 40}, {3, 1, 1, 1, 1}}) {
    const AttentionCase c(shape, false, 3, random);
    const Result all = Compute(c, false);
    if (!(all == Compute(c, true))) return "other bits alone, " + shape.Name();
    for (long image = 0; image < shape.batch; image++) {
      const Result expected{c.ImagesOf(all.y, image, 1), c.ImagesOf(all.log_sums, image, 1)};
      if (!(Compute(c.Images(image, 1), false) == expected)) return "image " + std::to_string(image) + " of " + shape.Name();
    }
  }
  return std::string();
});

const bool same_row = Require("attention: a query has the same bits beside any others", [] {
  Random random(2);
  const AttentionCase all({1, 2, 40, 100, 300}, false, 3, random);
  const Result together = Compute(all, true);
  for (const long first : {1, 50, 99}) {
    AttentionCase some = all;
    some.shape.tokens -= first;
    some.queries.erase(some.queries.begin(), some.queries.begin() + first * all.Columns());
    const Result expected{{together.y.begin() + first * all.Columns(), together.y.end()},
                          {together.log_sums.begin() + first * all.shape.heads, together.log_sums.end()}};
    if (!(Compute(some, true) == expected)) return "from query " + std::to_string(first) + " on";
  }
  return std::string();
});

// As softmax gives it: what one query or key spoils is its own, and nothing of it is hidden.
const bool not_a_number = Require("attention: a NaN reaches every output that reads it, and no other", [] {
  Random random(3);
  const AttentionCase sound({2, 2, 8, 40, 300}, false, 3, random);
  const AttentionShape &s = sound.shape;
  const Result before = Compute(sound, true);
  for (const long key : {-1, 0, 17, 299}) {
    AttentionCase c = sound;
    const long query = 20;
    float &number = key < 0 ? c.queries[query * c.QueryStride() + 3] : c.context[key * c.ContextStride() + 3];
    number = NAN;
    const Result after = Compute(c, true);
    for (long i = 0; i < static_cast<long>(after.y.size()); i++) {
      const long row = i / c.Columns(), head = i % c.Columns() / s.width;
      const bool reads = head == 0 && (key < 0 ? row == query : row < s.tokens);
      if (reads ? !std::isnan(after.y[i]) : after.y[i] != before.y[i]) {
        return (key < 0 ? "a query's NaN" : "the NaN of key " + std::to_string(key)) + " gives " + std::to_string(after.y[i]) +
               " in row " + std::to_string(row) + ", head " + std::to_string(head);
      }
    }
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
