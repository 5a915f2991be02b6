// The first linear layer of a transformer's feed-forward part with its gate (GEGLU, Shazeer 2020), so that its double-width
// result is never in memory as a whole. The bits are those of the layer followed by the gate.
//
// Value and gate of a column must be summed up at the same time, so a panel holds kLanes columns of each:
//
//   columns of the product   0 … kLanes − 1    kLanes … 2 kLanes − 1   2 kLanes …
//   columns of the weight    values 0 …        gates 0 …               values kLanes …

#include <algorithm>

#include "kernels.h"
#include "matrix_operands.h"
#include "memory.h"
#include "product.h"
#include "vector_math.h"

namespace loop {
namespace {

static_assert(kPanel == 2 * kLanes, "a panel is a vector of values and one of gates");

struct ValuesAndGates {
  const float *weight;
  long inputs, outputs;

  void Pack(long column, long, long step, long steps, float *panel) const {
    const long output = column / 2, count = std::min<long>(kLanes, outputs - output);
    PackTransposedHalf(weight, inputs, output, count, step, steps, panel);
    PackTransposedHalf(weight, inputs, outputs + output, count, step, steps, panel + kLanes);
  }
};

struct GatedOutput {
  float *y;
  long outputs;
  const float *bias;

  struct Block {
    const GatedOutput &output;
    const long first_row, first, end;  // the first output, and that after the last
    const long stride;
    Buffer<float> numbers;
    float *const sums;

    Block(const GatedOutput &output, long row, long rows, long column, long columns)
        : output(output),
          first_row(row),
          first(column / 2),
          end(std::min(output.outputs, first + columns / 2)),
          stride(columns),
          numbers(rows * columns),
          sums(numbers.get()) {}

    Vec WithBias(const float *sum, long column, long lanes) const {
      return output.bias == nullptr ? Load(sum) : Load(sum) + LoadFirst(output.bias + column, lanes);
    }

    void Finish(long row, long rows) const {
      for (long i = row; i < row + rows; i++) {
        const float *panel = sums + i * stride;
        float *y = output.y + (first_row + i) * output.outputs;
        for (long j = first; j < end; j += kLanes, panel += kPanel) {
          const Vec value = WithBias(panel, j, end - j), gate = WithBias(panel + kLanes, output.outputs + j, end - j);
          StoreFirst(y + j, end - j, value * Gelu(gate));
        }
      }
    }
  };

  Block Begin(long row, long rows, long column, long columns) const { return Block(*this, row, rows, column, columns); }
};

}  // namespace

void ComputeGatedLinear(const GatedLinear &linear, Execution execution) {
  const LeftMatrix x{linear.x, linear.inputs};
  const ValuesAndGates weight{linear.weight, linear.inputs, linear.outputs};
  const GatedOutput y{linear.y, linear.outputs, linear.bias};
  const long panels = (linear.outputs + kLanes - 1) / kLanes;
  Product(linear.rows, panels * kPanel, linear.inputs, x, weight, y, execution);
}

}  // namespace loop
