// A convolution by whichever way suits its shape.
#pragma once

#include "product.h"
#include "row_output.h"
#include "windows.h"
#include "winograd.h"

namespace loop {

// `kernel` is the right operand: step tap · channels + c, column of the output.
template <typename Kernel>
void Convolve(const ImageWindows &windows, long outputs, const Kernel &kernel, const RowOutput &y, Execution execution) {
  if (SuitsWinograd(windows)) {
    const auto pack = [&](long column, long columns, long step, long steps, float *panel) {
      kernel.Pack(column, columns, step, steps, panel);
    };
    MultiplyWinograd(windows, outputs, pack, y, execution);
  } else {
    Product(windows.OutPixels(), outputs, windows.Depth(), LeftWindows{windows}, kernel, y, execution);
  }
}

}  // namespace loop
