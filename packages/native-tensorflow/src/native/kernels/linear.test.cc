#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "product.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

// Each step of a sum rounds once, by at most 2⁻²⁴ of what has been added up so far: the magnitudes are the sums of these
// partial sums. The second digit is for what the errors of partial sums add to them.
constexpr double kRounding = 6.1e-8;

// A sum of float32 with its magnitude.
struct Sum {
  double value = 0, magnitude = 0;
  void Add(double term) { magnitude += std::abs(value += term); }
  // Which of the two steps of a pair is added first is up to the processor, and it rounds after each.
  void AddOfPair(double term) {
    magnitude += 2 * (std::abs(value) + std::abs(term));
    value += term;
  }
};

// Adds a product as it is computed.
void AddProduct(float a, float b, bool bfloat16, Sum *sum) {
  if (bfloat16) {
    sum->AddOfPair(static_cast<double>(RoundToBfloat16(a)) * RoundToBfloat16(b));
  } else {
    sum->Add(static_cast<double>(a) * b);
  }
}

// One dimension may be long, to cross the borders of blocks and tasks.
struct Shape {
  long rows, inputs, outputs;
};
Shape DrawShape(Random &random) {
  long sizes[3] = {random.Whole(1, 9), random.Whole(1, 9), random.Whole(1, 9)};
  sizes[random.Whole(0, 2)] = random.Whole(1, random.Whole(0, 9) == 0 ? 1000 : 100);
  return {sizes[0], sizes[1], sizes[2]};
}
std::string Name(const Shape &shape) {
  return std::to_string(shape.rows) + "×" + std::to_string(shape.inputs) + "→" + std::to_string(shape.outputs);
}

struct LinearCase {
  Shape shape;
  bool inputs_first, bfloat16;
  std::vector<float> x, weight, bias, add;

  LinearCase(const Shape &shape, bool inputs_first, bool with_bias, bool with_add, bool bfloat16, Random &random)
      : shape(shape),
        inputs_first(inputs_first),
        bfloat16(bfloat16),
        x(random.Numbers(shape.rows * shape.inputs)),
        weight(random.Numbers(shape.inputs * shape.outputs)),
        bias(random.Numbers(with_bias ? shape.outputs : 0)),
        add(random.Numbers(with_add ? shape.rows * shape.outputs : 0)) {}

  // Rows from … to − 1, as a batch of their own.
  std::vector<float> Compute(long from, long to, bool alone) const {
    std::vector<float> y((to - from) * shape.outputs, NAN);
    ComputeLinear({to - from, shape.inputs, shape.outputs, x.data() + from * shape.inputs, weight.data(), inputs_first,
                   bias.empty() ? nullptr : bias.data(), add.empty() ? nullptr : add.data() + from * shape.outputs, y.data()},
                  {alone, bfloat16});
    return y;
  }

  double Error() const {
    std::vector<double> expected, magnitude;
    for (long i = 0; i < shape.rows; i++) {
      for (long j = 0; j < shape.outputs; j++) {
        Sum sum;
        for (long k = 0; k < shape.inputs; k++) {
          const float w = inputs_first ? weight[k * shape.outputs + j] : weight[j * shape.inputs + k];
          AddProduct(x[i * shape.inputs + k], w, bfloat16, &sum);
        }
        if (!bias.empty()) sum.Add(bias[j]);
        if (!add.empty()) sum.Add(add[i * shape.outputs + j]);
        expected.push_back(sum.value);
        magnitude.push_back(sum.magnitude);
      }
    }
    return LargestError(Compute(0, shape.rows, true), expected, magnitude);
  }
};

Outcome CompareLinear(bool bfloat16, Random &random) {
  const Shape shape = DrawShape(random);
  const LinearCase linear(shape, random.Coin(), random.Coin(), random.Coin(), bfloat16, random);
  return {linear.Error(), Name(shape) + (linear.inputs_first ? " inputs first" : "")};
}
const bool linear = Compare("linear", kRounding, [](Random &random) { return CompareLinear(false, random); });
const bool linear_bfloat16 = HasBfloat16() && Compare("linear, bfloat16", kRounding, [](Random &random) {
                               return CompareLinear(true, random);
                             });

bool AreSame(const float *a, const float *b, long count) { return std::memcmp(a, b, count * sizeof(float)) == 0; }

std::string CompareBatches(bool bfloat16) {
  Random random(1);
  for (const bool inputs_first : {false, true}) {
    const Shape large{2 * kBlockRows + 5, 4 * kBlockDepth + 3, 3 * kPanel + 1};
    for (const Shape &shape : {large, Shape{77, 33, 700}, Shape{30, 1, 1}}) {
      const LinearCase linear(shape, inputs_first, true, true, bfloat16, random);
      const auto whole = linear.Compute(0, shape.rows, false);
      if (!AreSame(whole.data(), linear.Compute(0, shape.rows, true).data(), shape.rows * shape.outputs)) {
        return Name(shape) + " differs on one thread";
      }
      for (int batch = 0; batch < 6; batch++) {
        const long from = random.Whole(0, shape.rows - 1), to = batch < 3 ? from + 1 : random.Whole(from + 1, shape.rows);
        const auto part = linear.Compute(from, to, batch % 2 == 0);
        if (!AreSame(part.data(), whole.data() + from * shape.outputs, (to - from) * shape.outputs)) {
          return Name(shape) + " differs in rows " + std::to_string(from) + " to " + std::to_string(to);
        }
      }
    }
  }
  return std::string();
}
const bool batches = Require("linear: a row has the same bits in every batch and on any number of threads",
                             [] { return CompareBatches(false); });
const bool batches_bfloat16 =
    HasBfloat16() && Require("linear, bfloat16: a row has the same bits in every batch and on any number of threads",
                             [] { return CompareBatches(true); });

std::vector<float> WeightGradient(const Shape &shape, const std::vector<float> &dy, const std::vector<float> &x,
                                  Execution execution) {
  std::vector<float> gradient(shape.outputs * shape.inputs, NAN);
  ComputeLinearWeightGradient({shape.rows, shape.inputs, shape.outputs, dy.data(), x.data(), gradient.data()}, execution);
  return gradient;
}

Outcome CompareWeightGradient(bool bfloat16, Random &random) {
  const Shape shape = DrawShape(random);
  const auto dy = random.Numbers(shape.rows * shape.outputs), x = random.Numbers(shape.rows * shape.inputs);
  std::vector<double> expected, magnitude;
  for (long j = 0; j < shape.outputs; j++) {
    for (long k = 0; k < shape.inputs; k++) {
      Sum sum;
      for (long i = 0; i < shape.rows; i++) AddProduct(dy[i * shape.outputs + j], x[i * shape.inputs + k], bfloat16, &sum);
      expected.push_back(sum.value);
      magnitude.push_back(sum.magnitude);
    }
  }
  return {LargestError(WeightGradient(shape, dy, x, {true, bfloat16}), expected, magnitude), Name(shape)};
}
const bool weight_gradient =
    Compare("linear weight gradient", kRounding, [](Random &random) { return CompareWeightGradient(false, random); });
const bool weight_gradient_bfloat16 = HasBfloat16() && Compare("linear weight gradient, bfloat16", kRounding, [](Random &random) {
                                        return CompareWeightGradient(true, random);
                                      });

const bool gradient_threads = Require("linear weight gradient: the same bits on any number of threads", [] {
  Random random(1);
  for (const Shape &shape : {Shape{700, 70, 500}, Shape{5, 500, 9}, Shape{1, 1, 1}}) {
    const auto dy = random.Numbers(shape.rows * shape.outputs), x = random.Numbers(shape.rows * shape.inputs);
    for (const bool bfloat16 : {false, HasBfloat16()}) {
      const auto shared = WeightGradient(shape, dy, x, {false, bfloat16}), alone = WeightGradient(shape, dy, x, {true, bfloat16});
      if (!AreSame(shared.data(), alone.data(), shape.outputs * shape.inputs)) return Name(shape);
    }
  }
  return std::string();
});

const bool no_rows = Require("linear weight gradient: of no rows it is zero", [] {
  for (const float number : WeightGradient({0, 3, 40}, {}, {}, {})) {
    if (number != 0) return std::to_string(number);
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
