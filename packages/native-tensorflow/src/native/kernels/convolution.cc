// Convolutions.

#include "convolve.h"
#include "kernels.h"
#include "matrix_operands.h"

namespace loop {

// The kernel as it lies in memory, [taps · channels × outputs], is the right operand.
void ComputeConvolution(const Convolution &convolution, Execution execution) {
  const ImageWindows windows(convolution.windows, convolution.x);
  const RightMatrix kernel{convolution.kernel, convolution.outputs};
  const RowOutput y{convolution.y, convolution.outputs, convolution.bias, convolution.add};
  Convolve(windows, convolution.outputs, kernel, y, execution);
}

}  // namespace loop
