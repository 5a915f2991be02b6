#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "testing/check.h"

namespace loop::testing {
namespace {

double Phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double Slope(double x) { return Phi(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }

// x as [value | gate] in each row, and the gradient of the result.
struct Case {
  long rows, columns;
  std::vector<float> x, dy;

  Case(long rows, long columns, Random &random)
      : rows(rows), columns(columns), x(random.Numbers(rows * 2 * columns, 4)), dy(random.Numbers(rows * columns)) {}

  std::string Name() const { return std::to_string(rows) + "×" + std::to_string(columns); }

  // Of rows from … to − 1, as a batch of their own.
  std::vector<float> Compute(long from, long to, bool alone) const {
    std::vector<float> y((to - from) * columns, NAN);
    ComputeGate({to - from, columns, x.data() + from * 2 * columns, y.data()}, {alone});
    return y;
  }
  std::vector<float> Gradient(long from, long to, bool alone) const {
    std::vector<float> dx((to - from) * 2 * columns, NAN);
    ComputeGateGradient({to - from, columns, x.data() + from * 2 * columns, dy.data() + from * columns, dx.data()}, {alone});
    return dx;
  }

  float Value(long row, long column) const { return x[row * 2 * columns + column]; }
  float GateAt(long row, long column) const { return x[row * 2 * columns + columns + column]; }
};

Case Draw(Random &random) {
  const long rows = random.Whole(1, 5);
  return Case(rows, random.Whole(1, 70), random);
}

// In units of 2⁻²⁴ |value · gate|: 1.5 for Gelu, 1 for the product.
const bool right = Compare("gate", 2.5 * 0x1p-24, [](Random &random) {
  const Case gate = Draw(random);
  std::vector<double> expected, magnitude;
  for (long row = 0; row < gate.rows; row++) {
    for (long column = 0; column < gate.columns; column++) {
      const double value = gate.Value(row, column), x = gate.GateAt(row, column);
      expected.push_back(value * x * Phi(x));
      magnitude.push_back(std::abs(value * x));
    }
  }
  return Outcome{LargestError(gate.Compute(0, gate.rows, true), expected, magnitude), gate.Name()};
});

// In units of 2⁻²⁴ |dy · gate| and |dy · value|: 2 for GeluSlope, 1.1 for each of the two products.
const bool gradient_right = Compare("gate gradient", 4.2 * 0x1p-24, [](Random &random) {
  const Case gate = Draw(random);
  std::vector<double> expected, magnitude;
  for (long row = 0; row < gate.rows; row++) {
    const float *dy = gate.dy.data() + row * gate.columns;
    for (long column = 0; column < gate.columns; column++) {
      const double x = gate.GateAt(row, column);
      expected.push_back(dy[column] * x * Phi(x));
      magnitude.push_back(std::abs(dy[column] * x));
    }
    for (long column = 0; column < gate.columns; column++) {
      const double outer = static_cast<double>(dy[column]) * gate.Value(row, column);
      expected.push_back(outer * Slope(gate.GateAt(row, column)));
      magnitude.push_back(std::abs(outer));
    }
  }
  return Outcome{LargestError(gate.Gradient(0, gate.rows, true), expected, magnitude), gate.Name()};
});

bool AreSame(const std::vector<float> &a, const float *b) { return std::memcmp(a.data(), b, a.size() * sizeof(float)) == 0; }

const bool rows_alone = Require("gate: a row has the same bits in every batch and on any number of threads", [] {
  Random random(1);
  for (const auto &[rows, columns] : {std::pair<long, long>{40, 3000}, {7, 33}, {3, 40000}}) {
    const Case gate(rows, columns, random);
    const auto y = gate.Compute(0, rows, false), dx = gate.Gradient(0, rows, false);
    for (const bool alone : {false, true}) {
      for (const long row : {0l, rows / 2, rows - 1}) {
        if (!AreSame(gate.Compute(row, row + 1, alone), y.data() + row * columns)) return gate.Name();
        if (!AreSame(gate.Gradient(row, row + 1, alone), dx.data() + row * 2 * columns)) return gate.Name() + " gradient";
      }
      if (!AreSame(gate.Compute(0, rows, alone), y.data())) return gate.Name() + " whole";
      if (!AreSame(gate.Gradient(0, rows, alone), dx.data())) return gate.Name() + " whole gradient";
    }
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
