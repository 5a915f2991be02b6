#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "product.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

struct GatedCase {
  long rows, inputs, outputs;
  bool bfloat16;
  std::vector<float> x, weight, bias;

  GatedCase(long rows, long inputs, long outputs, bool with_bias, bool bfloat16, Random &random)
      : rows(rows),
        inputs(inputs),
        outputs(outputs),
        bfloat16(bfloat16),
        x(random.Numbers(rows * inputs)),
        weight(random.Numbers(2 * outputs * inputs)),
        bias(random.Numbers(with_bias ? 2 * outputs : 0)) {}

  const float *Bias() const { return bias.empty() ? nullptr : bias.data(); }

  // Rows from … to − 1, as a batch of their own.
  std::vector<float> Compute(long from, long to, bool alone) const {
    std::vector<float> y((to - from) * outputs, NAN);
    ComputeGatedLinear({to - from, inputs, outputs, x.data() + from * inputs, weight.data(), Bias(), y.data()},
                       {alone, bfloat16});
    return y;
  }

  std::vector<float> ComputeInTwo() const {
    std::vector<float> both(rows * 2 * outputs), y(rows * outputs, NAN);
    ComputeLinear({rows, inputs, 2 * outputs, x.data(), weight.data(), false, Bias(), nullptr, both.data()},
                  {false, bfloat16});
    ComputeGate({rows, outputs, both.data(), y.data()}, {});
    return y;
  }

  std::string Name() const {
    const std::string shape = std::to_string(rows) + "×" + std::to_string(inputs) + "→" + std::to_string(outputs);
    return shape + (bias.empty() ? "" : " with bias") + (bfloat16 ? " bfloat16" : "");
  }
};

bool AreSame(const std::vector<float> &a, const float *b) { return std::memcmp(a.data(), b, a.size() * sizeof(float)) == 0; }

// What a value and a gate are wrong by is what their steps round, 2⁻²⁴ of each partial sum (linear.test.cc). In the product it
// counts as much as the other factor is large, and the slope of gelu, which is below 1.13; gelu itself rounds about ten times.
const bool gated = Compare("gated linear", 6.1e-8, [](Random &random) {
  long sizes[3] = {random.Whole(1, 9), random.Whole(1, 9), random.Whole(1, 9)};
  sizes[random.Whole(0, 2)] = random.Whole(1, random.Whole(0, 9) == 0 ? 700 : 70);
  const GatedCase gated(sizes[0], sizes[1], sizes[2], random.Coin(), false, random);
  std::vector<double> expected, magnitude;
  for (long i = 0; i < gated.rows; i++) {
    for (long j = 0; j < gated.outputs; j++) {
      double sums[2] = {0, 0}, partial[2] = {0, 0};
      for (int half = 0; half < 2; half++) {
        const long column = half * gated.outputs + j;
        for (long k = 0; k < gated.inputs; k++) {
          sums[half] += static_cast<double>(gated.x[i * gated.inputs + k]) * gated.weight[column * gated.inputs + k];
          partial[half] += std::abs(sums[half]);
        }
        if (!gated.bias.empty()) partial[half] += std::abs(sums[half] += gated.bias[column]);
      }
      const auto [value, gate] = sums;
      const double gelu = gate * 0.5 * std::erfc(-gate / std::sqrt(2.));
      expected.push_back(value * gelu);
      magnitude.push_back(partial[0] * std::abs(gelu) + std::abs(value) * (1.13 * partial[1] + 10 * std::abs(gelu)));
    }
  }
  return Outcome{LargestError(gated.Compute(0, gated.rows, true), expected, magnitude), gated.Name()};
});

const bool in_two = Require("gated linear: the same bits as the layer followed by the gate", [] {
  Random random(1);
  for (int i = 0; i < 300; i++) {
    const GatedCase gated(random.Whole(1, 20), random.Whole(1, 20), random.Whole(1, 3 * kPanel), random.Coin(),
                          HasBfloat16() && random.Coin(), random);
    if (!AreSame(gated.Compute(0, gated.rows, true), gated.ComputeInTwo().data())) return gated.Name();
  }
  return std::string();
});

const bool batches = Require("gated linear: a row has the same bits in every batch and on any number of threads", [] {
  Random random(1);
  for (const GatedCase &gated : {GatedCase(2 * kBlockRows + 5, kBlockDepth + 3, 2 * kPanel + 1, true, false, random),
                                 GatedCase(77, 33, 400, false, HasBfloat16(), random),
                                 GatedCase(5, 1, 1, true, false, random)}) {
    const auto whole = gated.ComputeInTwo();
    for (const bool alone : {false, true}) {
      if (!AreSame(gated.Compute(0, gated.rows, alone), whole.data())) return gated.Name();
      const long from = random.Whole(0, gated.rows - 1), to = alone ? from + 1 : random.Whole(from + 1, gated.rows);
      if (!AreSame(gated.Compute(from, to, alone), whole.data() + from * gated.outputs)) {
        return gated.Name() + " differs in rows " + std::to_string(from) + " to " + std::to_string(to);
      }
    }
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
