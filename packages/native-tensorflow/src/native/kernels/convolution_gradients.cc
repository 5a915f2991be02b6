// The gradients of convolutions.

#include <cstring>

#include "convolve.h"
#include "kernels.h"
#include "matrix_operands.h"

namespace loop {
namespace {

// Along one side, the pixels first, first + stride, … of the image meet a window only with its taps first_tap,
// first_tap + stride, …. Seen from these pixels the gradient is a convolution of dy of stride 1, with those taps in reverse:
//
//   dx[first + stride · p] = Σ_i dy[p + i − frame] · kernel[first_tap + stride · (taps − 1 − i)],   0 ≤ i < taps
struct Phase {
  long first, pixels, first_tap, taps, frame;

  Phase(long first, long length, long size, long stride, long before)
      : first(first),
        pixels((length - first + stride - 1) / stride),
        first_tap((first + before) % stride),
        taps((size - first_tap + stride - 1) / stride),
        frame(taps - 1 - (first + before) / stride) {}
};

// Right[tap · outputs + n][c]: the kernel [tap, c, n] with the taps of two phases in reverse.
struct TurnedKernel {
  const float *kernel;
  long size, stride, channels, outputs;
  Phase rows, columns;

  void Pack(long column, long count, long step, long steps, float *panel) const {
    for (long k = 0; k < steps;) {
      const long tap = (step + k) / outputs, n = (step + k) % outputs;
      const long i = rows.first_tap + stride * (rows.taps - 1 - tap / columns.taps);
      const long j = columns.first_tap + stride * (columns.taps - 1 - tap % columns.taps);
      const long run = std::min(outputs - n, steps - k);
      const RightTransposed matrix{kernel + (i * size + j) * channels * outputs, outputs};
      matrix.Pack(column, count, n, run, panel + k * kPanel);
      k += run;
    }
  }
};

// Every other pixel of an image in both directions, from those where the phases begin.
struct PhaseOutput {
  float *dx;
  long height, width, channels, stride;
  Phase rows, columns;

  struct Block {
    const PhaseOutput &output;
    long row, column, columns;
    Buffer<float> numbers;
    float *sums;
    long stride;

    Block(const PhaseOutput &output, long row, long rows, long column, long columns)
        : output(output),
          row(row),
          column(column),
          columns(columns),
          numbers(rows * columns),
          sums(numbers.get()),
          stride(columns) {}

    void Finish(long first, long count) {
      for (long i = first; i < first + count; i++) {
        std::memcpy(output.At(row + i) + column, sums + i * stride, columns * sizeof(float));
      }
    }
  };
  Block Begin(long row, long count, long column, long block_columns) const { return {*this, row, count, column, block_columns}; }

  float *At(long pixel) const {
    const long x = columns.first + stride * (pixel % columns.pixels);
    const long y = rows.first + stride * (pixel / columns.pixels % rows.pixels);
    const long index = pixel / columns.pixels / rows.pixels;
    return dx + ((index * height + y) * width + x) * channels;
  }
};

}  // namespace

// One convolution of dy for each phase; of stride 1 there is only one, of all pixels.
void ComputeConvolutionInputGradient(const ConvolutionInputGradient &gradient, Execution execution) {
  const Windows &forward = gradient.windows;
  for (long y = 0; y < std::min(forward.stride, forward.height); y++) {
    for (long x = 0; x < std::min(forward.stride, forward.width); x++) {
      const Phase rows(y, forward.height, forward.size, forward.stride, forward.top);
      const Phase columns(x, forward.width, forward.size, forward.stride, forward.left);
      ImageWindows windows(forward, gradient.dy);
      windows.height = forward.out_height;
      windows.width = forward.out_width;
      windows.channels = gradient.outputs;
      windows.rows = rows.taps;
      windows.columns = columns.taps;
      windows.stride = 1;
      windows.top = rows.frame;
      windows.left = columns.frame;
      windows.out_height = rows.pixels;
      windows.out_width = columns.pixels;
      const TurnedKernel kernel{gradient.kernel, forward.size, forward.stride, forward.channels, gradient.outputs, rows, columns};
      if (forward.stride == 1) {
        Convolve(windows, forward.channels, kernel, {gradient.dx, forward.channels, nullptr, nullptr}, execution);
      } else {
        const PhaseOutput dx{gradient.dx, forward.height, forward.width, forward.channels, forward.stride, rows, columns};
        Product(windows.OutPixels(), forward.channels, windows.Depth(), LeftWindows{windows}, kernel, dx, execution);
      }
    }
  }
}

// Sums over all pixels of the result, in their order.
void ComputeConvolutionKernelGradient(const ConvolutionKernelGradient &gradient, Execution execution) {
  const ImageWindows windows(gradient.windows, gradient.x);
  const RightMatrix dy{gradient.dy, gradient.outputs};
  const RowOutput output{gradient.gradient, gradient.outputs, nullptr, nullptr};
  Product(windows.Depth(), gradient.outputs, windows.OutPixels(), LeftWindowsTransposed{windows}, dy, output, execution);
}

}  // namespace loop
