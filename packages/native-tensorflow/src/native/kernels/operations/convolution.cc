#include "families.h"
#include "registration.h"

namespace loop {
namespace {

// An image of this height and width, enlarged and framed, under windows that each touch it.
void RequireWindows(const InputShapes &shapes, const Windows &windows) {
  const auto touches = [&](long length, long before, long count) {
    const long enlarged = length * windows.enlargement;
    return before < windows.size && (count == 0 || (count <= enlarged + before && (count - 1) * windows.stride - before < enlarged));
  };
  shapes.Require(windows.size == 1 || windows.size == 3, "the kernel must be of 1 × 1 or 3 × 3 pixels.");
  shapes.Require(windows.stride == 1 || windows.stride == 2, "the stride must be 1 or 2.");
  shapes.Require(windows.enlargement == 1 || windows.enlargement == 2, "the enlargement must be 1 or 2.");
  shapes.Require(windows.channels > 0, "the image must have channels.");
  shapes.Require(touches(windows.height, windows.top, windows.out_height) && touches(windows.width, windows.left, windows.out_width),
                 "each window must touch the image.");
}

// The image goes no further than its windows reach: one more would not fit. Its size is asked for, and given by no tensor.
void RequireWholeImage(const InputShapes &shapes, const Windows &windows) {
  const auto reached = [&](long length, long before, long count) {
    return length + before < count * windows.stride + windows.size;
  };
  shapes.Require(reached(windows.height, windows.top, windows.out_height) && reached(windows.width, windows.left, windows.out_width),
                 "the image must end where one more window would not fit.");
}

// ---- LoopConvolution(x [batch, height, width, channels], kernel [size, size, channels, outputs], bias [outputs]?, add?,
//      sizes [0, stride, enlargement, top, left, out height, out width]) → y [batch, out height, out width, outputs]

Convolution ReadConvolution(const InputShapes &shapes) {
  Convolution convolution{};
  const Shape &x = shapes.OfRank(0, 4), &kernel = shapes.OfRank(1, 4), sizes = shapes.Sizes(6);
  convolution.windows = {x[0], x[1], x[2], x[3], sizes[1], kernel[0], sizes[0], sizes[2], sizes[3], sizes[4], sizes[5]};
  convolution.outputs = kernel[3];
  RequireWindows(shapes, convolution.windows);
  shapes.Require(1, {kernel[0], kernel[0], x[3], kernel[3]});
  shapes.RequireIfThere(2, {kernel[3]});
  shapes.RequireIfThere(3, {x[0], sizes[4], sizes[5], kernel[3]});
  return convolution;
}

const Operation kConvolution = {
    "LoopConvolution",
    {"x", "kernel", "bias", "add", "sizes"},
    {"y"},
    {},
    [](const InputShapes &shapes) {
      const Convolution convolution = ReadConvolution(shapes);
      const Windows &windows = convolution.windows;
      return std::vector<Shape>{{windows.batch, windows.out_height, windows.out_width, convolution.outputs}};
    },
    [](const Call &call) {
      Convolution convolution = ReadConvolution(call.shapes);
      convolution.x = call.Input(0);
      convolution.kernel = call.Input(1);
      convolution.bias = call.Input(2);
      convolution.add = call.Input(3);
      convolution.y = call.Output(0);
      ComputeConvolution(convolution, call.Running());
    },
};

// ---- LoopConvolutionInputGradient(dy [batch, out height, out width, outputs], kernel, sizes [0, stride, top, left, height,
//      width]) → dx [batch, height, width, channels]

ConvolutionInputGradient ReadInputGradient(const InputShapes &shapes) {
  ConvolutionInputGradient gradient{};
  const Shape &dy = shapes.OfRank(0, 4), &kernel = shapes.OfRank(1, 4), sizes = shapes.Sizes(5);
  gradient.windows = {dy[0], sizes[3], sizes[4], kernel[2], 1, kernel[0], sizes[0], sizes[1], sizes[2], dy[1], dy[2]};
  gradient.outputs = kernel[3];
  RequireWindows(shapes, gradient.windows);
  RequireWholeImage(shapes, gradient.windows);
  shapes.Require(1, {kernel[0], kernel[0], kernel[2], dy[3]});
  return gradient;
}

const Operation kConvolutionInputGradient = {
    "LoopConvolutionInputGradient",
    {"dy", "kernel", "sizes"},
    {"dx"},
    {},
    [](const InputShapes &shapes) {
      const Windows windows = ReadInputGradient(shapes).windows;
      return std::vector<Shape>{{windows.batch, windows.height, windows.width, windows.channels}};
    },
    [](const Call &call) {
      ConvolutionInputGradient gradient = ReadInputGradient(call.shapes);
      gradient.dy = call.Input(0);
      gradient.kernel = call.Input(1);
      gradient.dx = call.Output(0);
      ComputeConvolutionInputGradient(gradient, call.Running());
    },
    0,
};

// ---- LoopConvolutionKernelGradient(dy [batch, out height, out width, outputs], x [batch, height, width, channels],
//      sizes [0, stride, top, left, size]) → gradient [size, size, channels, outputs]

ConvolutionKernelGradient ReadKernelGradient(const InputShapes &shapes) {
  ConvolutionKernelGradient gradient{};
  const Shape &dy = shapes.OfRank(0, 4), &x = shapes.OfRank(1, 4), sizes = shapes.Sizes(4);
  gradient.windows = {x[0], x[1], x[2], x[3], 1, sizes[3], sizes[0], sizes[1], sizes[2], dy[1], dy[2]};
  gradient.outputs = dy[3];
  RequireWindows(shapes, gradient.windows);
  shapes.Require(0, {x[0], dy[1], dy[2], dy[3]});
  return gradient;
}

const Operation kConvolutionKernelGradient = {
    "LoopConvolutionKernelGradient",
    {"dy", "x", "sizes"},
    {"gradient"},
    {},
    [](const InputShapes &shapes) {
      const ConvolutionKernelGradient gradient = ReadKernelGradient(shapes);
      const Windows &windows = gradient.windows;
      return std::vector<Shape>{{windows.size, windows.size, windows.channels, gradient.outputs}};
    },
    [](const Call &call) {
      ConvolutionKernelGradient gradient = ReadKernelGradient(call.shapes);
      gradient.dy = call.Input(0);
      gradient.x = call.Input(1);
      gradient.gradient = call.Output(0);
      ComputeConvolutionKernelGradient(gradient, call.Running());
    },
    0,
};

}  // namespace

void RegisterConvolutionOperations() {
  Register<kConvolution>();
  Register<kConvolutionInputGradient>();
  Register<kConvolutionKernelGradient>();
}

}  // namespace loop
