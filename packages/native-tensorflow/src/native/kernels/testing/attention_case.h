// Shapes and numbers for the tests of attention, and its weights in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "../kernels.h"
#include "check.h"

namespace loop::testing {

struct AttentionShape {
  long batch, heads, width, tokens, context;

  std::string Name() const {
    return std::to_string(batch) + "×" + std::to_string(heads) + " heads of " + std::to_string(width) + ", " +
           std::to_string(tokens) + " tokens, " + std::to_string(context) + " of context";
  }
};

// Widths of models and odd ones; tokens and contexts that cross the borders of panels and blocks, as far as the time for a shape
// allows.
inline AttentionShape DrawAttentionShape(Random &random) {
  constexpr long kWidths[] = {1, 2, 7, 8, 16, 17, 40, 80, 160, 512};
  constexpr long kProducts = 30000;
  AttentionShape shape{random.Whole(1, 2), random.Whole(1, 3), kWidths[random.Whole(0, 9)], 0, 0};
  const long products = kProducts / (shape.batch * shape.heads * shape.width);
  const long more = random.Whole(1, std::min<long>(600, std::max<long>(products / 4, 2)));
  const long fewer = random.Whole(1, std::min<long>(100, std::max<long>(products / more, 1)));
  const bool few_tokens = random.Coin();
  shape.tokens = few_tokens ? fewer : more;
  shape.context = few_tokens ? more : fewer;
  return shape;
}

inline bool HaveSameBits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Queries, keys and values, all side by side in one tensor or the latter two in another.
struct AttentionCase {
  AttentionShape shape;
  bool packed;
  std::vector<float> queries, context;

  // Scores are a third of `largest` or so, and seldom more than it.
  AttentionCase(const AttentionShape &shape, bool packed, float largest, Random &random)
      : shape(shape),
        packed(packed),
        queries(random.Numbers(shape.batch * shape.tokens * QueryStride())),
        context(random.Numbers(packed ? 0 : shape.batch * shape.context * ContextStride())) {
    for (long i = 0; i < static_cast<long>(queries.size()); i++) {
      if (i % QueryStride() < Columns()) queries[i] *= largest / std::sqrt(static_cast<float>(shape.width));
    }
  }

  long Columns() const { return shape.heads * shape.width; }
  long QueryStride() const { return Columns() * (packed ? 3 : 1); }
  long ContextStride() const { return Columns() * (packed ? 3 : 2); }
  HeadRows Query() const { return {queries.data(), QueryStride()}; }
  HeadRows Key() const { return {packed ? queries.data() + Columns() : context.data(), ContextStride()}; }
  HeadRows Value() const { return {Key().at + Columns(), ContextStride()}; }

  // Images first … first + images − 1 as a batch of their own.
  AttentionCase Images(long first, long images) const {
    AttentionCase part = *this;
    part.shape.batch = images;
    part.queries = ImagesOf(queries, first, images);
    part.context = ImagesOf(context, first, images);
    return part;
  }
  std::vector<float> ImagesOf(const std::vector<float> &all, long first, long images) const {
    const long size = static_cast<long>(all.size()) / shape.batch;
    return {all.begin() + first * size, all.begin() + (first + images) * size};
  }
};

// A case drawn with queries, keys and values in one tensor or two.
inline AttentionCase DrawAttentionCase(Random &random, float largest) {
  AttentionShape shape = DrawAttentionShape(random);
  const bool packed = random.Whole(0, 3) == 0;
  if (packed) shape.tokens = shape.context = std::min(shape.tokens, shape.context);
  return AttentionCase(shape, packed, largest, random);
}

// A float as an operand of a product.
inline double Operand(float number, bool bfloat16) { return bfloat16 ? RoundToBfloat16(number) : number; }

// A computed number as an operand. It may be off by `doubt`, which rounding makes a whole step where it is near the middle of
// one, and nothing elsewhere.
struct ComputedOperand {
  double value, doubt;

  ComputedOperand(double number, double doubt, bool bfloat16) : value(number), doubt(0) {
    if (!bfloat16) return;
    value = RoundToBfloat16(static_cast<float>(number));
    this->doubt = RoundToBfloat16(static_cast<float>(number + doubt)) - RoundToBfloat16(static_cast<float>(number - doubt));
  }
};

// The weights of a query, in double precision; queries and keys are rounded as operands are.
struct AttentionWeights {
  std::vector<double> scores, weights;
  double log_sum;
  // The largest Σ |query key|. A score may be off by about a rounding of it, and its weight by as much of itself.
  double score_magnitude = 0;

  AttentionWeights(const AttentionCase &c, long row, long head, bool bfloat16) {
    const float *query = c.Query().at + row * c.Query().stride + head * c.shape.width;
    double largest = -INFINITY, sum = 0;
    for (long key = 0; key < c.shape.context; key++) {
      const float *at = c.Key().at + (row / c.shape.tokens * c.shape.context + key) * c.Key().stride + head * c.shape.width;
      double score = 0, magnitude = 0;
      for (long i = 0; i < c.shape.width; i++) {
        const double term = Operand(query[i], bfloat16) * Operand(at[i], bfloat16);
        score += term;
        magnitude += std::abs(term);
      }
      scores.push_back(score);
      largest = std::max(largest, score);
      score_magnitude = std::max(score_magnitude, magnitude);
    }
    for (const double score : scores) sum += weights.emplace_back(std::exp(score - largest));
    for (double &weight : weights) weight /= sum;
    log_sum = largest + std::log(sum);
  }
};

}  // namespace loop::testing
