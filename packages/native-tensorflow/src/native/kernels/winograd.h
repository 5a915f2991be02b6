// Convolution by fewer multiplications: see winograd.cc.
#pragma once

#include <functional>

#include "row_output.h"
#include "windows.h"

namespace loop {

// Whether it is faster than the implicit product, by the layer's shape alone: the batch and the threads must not change bits.
bool SuitsWinograd(const ImageWindows &windows);

// As a right operand's packer (product.h); step tap · channels + c of the kernel is channel c of the window's tap.
using PackKernel = std::function<void(long column, long columns, long step, long steps, float *panel)>;

// For windows of 3 × 3, stride 1.
void MultiplyWinograd(const ImageWindows &windows, long outputs, const PackKernel &pack_kernel, const RowOutput &y,
                      Execution execution);

}  // namespace loop
