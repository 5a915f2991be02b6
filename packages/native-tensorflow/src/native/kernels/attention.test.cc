#include <cmath>
#include <string>
#include <vector>

#include "head_rows.h"
#include "kernels.h"
#include "testing/attention_case.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

// Sums have up to 600 steps, each of which rounds by at most 6e-8 of what has been added up: about √600 times that remains of
// ups and downs, and a little more at worst. In bfloat16 no more, since operands are rounded here as they are there;
// one that rounds the other way, being near the middle, is allowed to make all the limit.
constexpr double kLimit = 2e-6;

struct Result {
  std::vector<float> y, log_sums;

  bool operator==(const Result &other) const { return HaveSameBits(y, other.y) && HaveSameBits(log_sums, other.log_sums); }
};

Result Compute(const AttentionCase &c, Execution execution) {
  const AttentionShape &s = c.shape;
  Result result{std::vector<float>(s.batch * s.tokens * c.Columns(), NAN), std::vector<float>(s.batch * s.tokens * s.heads, NAN)};
  ComputeAttention({s.batch, s.heads, s.width, s.tokens, s.context, c.Query(), c.Key(), c.Value(), result.y.data(),
                    result.log_sums.data()},
                   execution);
  return result;
}

// The largest score that is known to a key's block: of the keys up to the end of it.
std::vector<double> LargestScores(const std::vector<double> &scores, long blocks) {
  const long context = static_cast<long>(scores.size());
  std::vector<double> largest;
  for (long block = 0; block < blocks; block++) {
    const long end = context * (block + 1) / blocks;
    largest.resize(end, *std::max_element(scores.begin(), scores.begin() + end));
  }
  return largest;
}

double Error(const AttentionCase &c, bool bfloat16) {
  const AttentionShape &s = c.shape;
  std::vector<double> y, y_magnitude, log_sums, log_sums_magnitude;
  for (long row = 0; row < s.batch * s.tokens; row++) {
    for (long head = 0; head < s.heads; head++) {
      const AttentionWeights a(c, row, head, bfloat16);
      const std::vector<double> largest = LargestScores(a.scores, KeyBlocksOf(s.context, s.width));
      // What a weight may be off by, as a part of itself and of the limit.
      const double doubt = 1 + a.score_magnitude;
      log_sums.push_back(a.log_sum);
      log_sums_magnitude.push_back(doubt);
      std::vector<ComputedOperand> weights;
      for (long key = 0; key < s.context; key++) {
        const double weight = std::exp(a.scores[key] - largest[key]);
        weights.emplace_back(weight, kLimit * doubt * weight, bfloat16);
      }
      for (long i = 0; i < s.width; i++) {
        double expected = 0, magnitude = 0;
        for (long key = 0; key < s.context; key++) {
          const float number = c.Value().at[(row / s.tokens * s.context + key) * c.Value().stride + head * s.width + i];
          const double value = Operand(number, bfloat16) * std::exp(largest[key] - a.log_sum);
          expected += weights[key].value * value;
          magnitude += (weights[key].value * doubt + weights[key].doubt / kLimit) * std::abs(value);
        }
        y.push_back(expected);
        y_magnitude.push_back(magnitude);
      }
    }
  }
  const Result actual = Compute(c, {true, bfloat16});
  return std::max(LargestError(actual.y, y, y_magnitude), LargestError(actual.log_sums, log_sums, log_sums_magnitude));
}

Outcome CompareOnce(Random &random, float largest, bool bfloat16) {
  const AttentionCase drawn = DrawAttentionCase(random, largest);
  return {Error(drawn, bfloat16), drawn.shape.Name()};
}

const bool usual = Compare("attention", kLimit, [](Random &random) { return CompareOnce(random, 3, false); });
const bool large = Compare("attention: scores of 10⁴", kLimit, [](Random &random) { return CompareOnce(random, 3e4f, false); });
const bool usual_bfloat16 = HasBfloat16() && Compare("attention, bfloat16", kLimit, [](Random &random) {
                              return CompareOnce(random, 3, true);
                            });
const bool large_bfloat16 = HasBfloat16() && Compare("attention, bfloat16: scores of 10⁴", kLimit, [](Random &random) {
                              return CompareOnce(random, 3e4f, true);
                            });

std::string CompareBatches(bool bfloat16) {
  Random random(1);
  for (const AttentionShape &shape :
       {AttentionShape{3, 2, 40, 77, 300}, {3, 1, 7, 300, 77}, {3, 3, 512, 40, 40}, {3, 1, 1, 1, 1}}) {
    const AttentionCase c(shape, false, 3, random);
    const Result all = Compute(c, {false, bfloat16});
    if (!(all == Compute(c, {true, bfloat16}))) return "other bits alone, " + shape.Name();
    for (long image = 0; image < shape.batch; image++) {
      const Result expected{c.ImagesOf(all.y, image, 1), c.ImagesOf(all.log_sums, image, 1)};
      if (!(Compute(c.Images(image, 1), {false, bfloat16}) == expected)) {
        return "image " + std::to_string(image) + " of " + shape.Name();
      }
    }
  }
  return std::string();
}
const bool same_bits = Require("attention: an image has the same bits in any batch, alone or not",
                               [] { return CompareBatches(false); });
const bool same_bits_bfloat16 =
    HasBfloat16() && Require("attention, bfloat16: an image has the same bits in any batch, alone or not",
                             [] { return CompareBatches(true); });

std::string CompareRows(bool bfloat16) {
  Random random(2);
  const AttentionCase all({1, 2, 40, 100, 300}, false, 3, random);
  const Result together = Compute(all, {true, bfloat16});
  for (const long first : {1, 50, 99}) {
    AttentionCase some = all;
    some.shape.tokens -= first;
    some.queries.erase(some.queries.begin(), some.queries.begin() + first * all.Columns());
    const Result expected{{together.y.begin() + first * all.Columns(), together.y.end()},
                          {together.log_sums.begin() + first * all.shape.heads, together.log_sums.end()}};
    if (!(Compute(some, {true, bfloat16}) == expected)) return "from query " + std::to_string(first) + " on";
  }
  return std::string();
}
const bool same_row = Require("attention: a query has the same bits beside any others", [] { return CompareRows(false); });
const bool same_row_bfloat16 = HasBfloat16() && Require("attention, bfloat16: a query has the same bits beside any others",
                                                        [] { return CompareRows(true); });

// As softmax gives it: what one query or key spoils is its own, and nothing of it is hidden.
std::string SpreadNan(bool bfloat16) {
  Random random(3);
  const AttentionCase sound({2, 2, 8, 40, 300}, false, 3, random);
  const AttentionShape &s = sound.shape;
  const Result before = Compute(sound, {true, bfloat16});
  for (const long key : {-1, 0, 17, 299}) {
    AttentionCase c = sound;
    const long query = 20;
    float &number = key < 0 ? c.queries[query * c.QueryStride() + 3] : c.context[key * c.ContextStride() + 3];
    number = NAN;
    const Result after = Compute(c, {true, bfloat16});
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
}
const bool not_a_number = Require("attention: a NaN reaches every output that reads it, and no other",
                                  [] { return SpreadNan(false); });
const bool not_a_number_bfloat16 =
    HasBfloat16() && Require("attention, bfloat16: a NaN reaches every output that reads it, and no other",
                             [] { return SpreadNan(true); });

}  // namespace
}  // namespace loop::testing
