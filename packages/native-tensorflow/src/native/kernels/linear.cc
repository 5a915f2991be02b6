// Linear layers and the gradient of their weight.

#include "kernels.h"
#include "matrix_operands.h"
#include "product.h"
#include "row_output.h"

namespace loop {

void ComputeLinear(const Linear &linear, Execution execution) {
  const LeftMatrix x{linear.x, linear.inputs};
  const RowOutput y{linear.y, linear.outputs, linear.bias, linear.add};
  const auto multiply = [&](const auto &weight) {
    Product(linear.rows, linear.outputs, linear.inputs, x, weight, y, execution);
  };
  if (linear.inputs_first) {
    multiply(RightMatrix{linear.weight, linear.outputs});
  } else {
    multiply(RightTransposed{linear.weight, linear.inputs});
  }
}

// Sums over the rows, in their order.
void ComputeLinearWeightGradient(const LinearWeightGradient &gradient, Execution execution) {
  const LeftTransposed dy{gradient.dy, gradient.outputs};
  const RightMatrix x{gradient.x, gradient.inputs};
  const RowOutput output{gradient.gradient, gradient.inputs, nullptr, nullptr};
  Product(gradient.outputs, gradient.inputs, gradient.rows, dy, x, output, execution);
}

}  // namespace loop
