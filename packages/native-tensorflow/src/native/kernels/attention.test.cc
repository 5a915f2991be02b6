#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

struct Shape {
  long batch, heads, width, tokens, context;
};

// Widths of models and odd ones; tokens and contexts that cross the borders of panels and blocks, as far as the time for a shape
// allows.
Shape DrawShape(Random &random) {
  constexpr long kWidths[] = {1, 2, 7, 8, 16, 17, 40, 80, 160, 512};
  constexpr long kProducts = 30000;
  Shape shape{random.Whole(1, 2), random.Whole(1, 3), kWidths[random.Whole(0, 9)], 0, 0};
  const bool few_tokens = random.Coin();
  const long products = kProducts / (shape.batch * shape.heads * shape.width);
  const long first = random.Whole(1, std::min<long>(600, std::max<long>(products / 4, 2)));
  const long second = random.Whole(1, std::min<long>(100, std::max<long>(products / first, 1)));
  shape.tokens = few_tokens ? second : first;
  shape.context = few_tokens ? first : second;
  return shape;
}

std::string Name(const Shape &s) {
  return std::to_string(s.batch) + "×" + std::to_string(s.heads) + " heads of " + std::to_string(s.width) + ", " +
         std::to_string(s.tokens) + " tokens, " + std::to_string(s.context) + " of context";
}

// Queries, keys and values, side by side in one tensor or the latter two in one.
struct Case {
  Shape shape;
  bool packed;
  std::vector<float> queries, context;

  // Scores are about as large as `largest` at most.
  Case(const Shape &shape, bool packed, float largest, Random &random)
      : shape(shape),
        packed(packed),
        queries(random.Numbers(shape.batch * shape.tokens * Columns() * (packed ? 3 : 1), largest / std::sqrt(shape.width))),
        context(packed ? 0 : shape.batch * shape.context * Columns() * 2) {
    for (float &number : context) number = random.Number();
    if (!packed) return;
    for (size_t i = 0; i < queries.size(); i++) {
      if (static_cast<long>(i) / Columns() % 3 != 0) queries[i] = random.Number();
    }
  }

  long Columns() const { return shape.heads * shape.width; }
  HeadRows Query() const { return {queries.data(), Columns() * (packed ? 3 : 1)}; }
  HeadRows Key() const {
    return packed ? HeadRows{queries.data() + Columns(), 3 * Columns()} : HeadRows{context.data(), 2 * Columns()};
  }
  HeadRows Value() const { return {Key().at + Columns(), Key().stride}; }
};

struct Result {
  std::vector<float> y, log_sums;

  explicit Result(const Shape &s)
      : y(s.batch * s.tokens * s.heads * s.width, NAN), log_sums(s.batch * s.tokens * s.heads, NAN) {}
  bool operator==(const Result &other) const {
    return std::memcmp(y.data(), other.y.data(), y.size() * sizeof(float)) == 0 &&
           std::memcmp(log_sums.data(), other.log_sums.data(), log_sums.size() * sizeof(float)) == 0;
  }
};

Result Compute(const Case &c, bool alone = true) {
  const Shape &s = c.shape;
  Result result(s);
  ComputeAttention({s.batch, s.heads, s.width, s.tokens, s.context, c.Query(), c.Key(), c.Value(), result.y.data(),
                    result.log_sums.data()},
                   {alone});
  return result;
}

double Error(const Case &c) {
  const Shape &s = c.shape;
  std::vector<double> y, y_magnitude, log_sums, log_sums_magnitude, scores(s.context);
  for (long row = 0; row < s.batch * s.tokens; row++) {
    for (long head = 0; head < s.heads; head++) {
      const float *query = c.Query().at + row * c.Query().stride + head * s.width;
      const long first = row / s.tokens * s.context;
      double largest = -INFINITY, product_magnitude = 0, sum = 0;
      for (long key = 0; key < s.context; key++) {
        const float *at = c.Key().at + (first + key) * c.Key().stride + head * s.width;
        double magnitude = scores[key] = 0;
        for (long i = 0; i < s.width; i++) {
          scores[key] += static_cast<double>(query[i]) * at[i];
          magnitude += std::abs(static_cast<double>(query[i]) * at[i]);
        }
        largest = std::max(largest, scores[key]);
        product_magnitude = std::max(product_magnitude, magnitude);
      }
      for (double &score : scores) sum += score = std::exp(score - largest);
      log_sums.push_back(largest + std::log(sum));
      log_sums_magnitude.push_back(1 + product_magnitude);
      for (long i = 0; i < s.width; i++) {
        double expected = 0, magnitude = 0;
        for (long key = 0; key < s.context; key++) {
          const float value = c.Value().at[(first + key) * c.Value().stride + head * s.width + i];
          expected += scores[key] / sum * value;
          magnitude += scores[key] / sum * std::abs(value);
        }
        y.push_back(expected);
        // A score that is off by δ changes its weight by the factor e^δ.
        y_magnitude.push_back(magnitude * (1 + product_magnitude));
      }
    }
  }
  const Result actual = Compute(c);
  return std::max(LargestError(actual.y, y, y_magnitude), LargestError(actual.log_sums, log_sums, log_sums_magnitude));
}

Outcome CompareOnce(Random &random, float largest) {
  const Shape shape = DrawShape(random);
  const bool packed = shape.tokens == shape.context || random.Whole(0, 3) == 0;
  Shape drawn = shape;
  if (packed) drawn.context = drawn.tokens = std::min(shape.tokens, shape.context);
  return {Error(Case(drawn, packed, largest, random)), Name(drawn)};
}

// Sums of up to 600 steps, each rounded by 6e-8 of what has been added up: rounding errors are as often up as down, so far
// fewer than 600 roundings remain.
constexpr double kLimit = 2e-6;

const bool attention = Compare("attention", kLimit, [](Random &random) { return CompareOnce(random, 3); });

const bool large_scores = Compare("attention: scores of 10⁴", kLimit, [](Random &random) { return CompareOnce(random, 1e4f); });

const bool same_bits = Require("attention: an image has the same bits in any batch, alone or not", [] {
  Random random(1);
  for (const Shape &shape : {Shape{3, 2, 40, 77, 300}, Shape{3, 1, 7, 300, 77}, Shape{3, 3, 512, 40, 40}, Shape{3, 1, 1, 1, 1}}) {
    const Case together(shape, false, 3, random);
    const Result all = Compute(together, false);
    if (!(all == Compute(together, true))) return "other bits alone, " + Name(shape);
    Case one = together;
    one.shape.batch = 1;
    for (long image = 0; image < shape.batch; image++) {
      const auto part = [image, &shape](const std::vector<float> &all) {
        const long size = static_cast<long>(all.size()) / shape.batch;
        return std::vector<float>(all.begin() + image * size, all.begin() + (image + 1) * size);
      };
      one.queries = part(together.queries);
      one.context = part(together.context);
      Result expected(one.shape);
      expected.y = part(all.y);
      expected.log_sums = part(all.log_sums);
      if (!(Compute(one, false) == expected)) return "image " + std::to_string(image) + " of " + Name(shape);
    }
  }
  return std::string();
});

const bool same_row = Require("attention: a query has the same bits beside any others", [] {
  Random random(2);
  Case all({1, 2, 40, 100, 300}, false, 3, random);
  const Result together = Compute(all);
  for (const long first : {0, 1, 50, 99}) {
    Case some = all;
    some.shape.tokens = all.shape.tokens - first;
    some.queries.erase(some.queries.begin(), some.queries.begin() + first * all.Columns());
    Result expected(some.shape);
    expected.y.assign(together.y.begin() + first * all.Columns(), together.y.end());
    expected.log_sums.assign(together.log_sums.begin() + first * all.shape.heads, together.log_sums.end());
    if (!(Compute(some) == expected)) return "from query " + std::to_string(first) + " on";
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
