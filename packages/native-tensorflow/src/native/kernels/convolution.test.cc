#include <algorithm>
#include <cstring>

#include "product.h"
#include "testing/convolutions.h"
#include "winograd.h"

namespace loop::testing {
namespace {

bool AreSame(const float *a, const float *b, long count) { return std::memcmp(a, b, count * sizeof(float)) == 0; }

// Winograd's algorithm rounds otherwise than sums do; winograd.test.cc holds it against its own magnitudes.
Windows DrawWindowsOfSums(Random &random) {
  Windows windows = DrawWindows(random, 2);
  while (SuitsWinograd(ImageWindows(windows, nullptr))) windows = DrawWindows(random, 2);
  return windows;
}

const bool convolution = Compare("convolution", kSumRounding, [](Random &random) {
  const ConvolutionCase drawn(DrawWindowsOfSums(random), DrawOutputs(random), random);
  return Outcome{ErrorOf(drawn.Compute(true), drawn.ExpectedResult()), drawn.Name()};
});

const bool input_gradient = Compare("convolution input gradient", kSumRounding, [](Random &random) {
  const ConvolutionCase drawn(DrawWindows(random, 1), DrawOutputs(random), random);
  return Outcome{ErrorOf(drawn.InputGradient(true), drawn.ExpectedInputGradient()), drawn.Name()};
});

const bool kernel_gradient = Compare("convolution kernel gradient", kSumRounding, [](Random &random) {
  const ConvolutionCase drawn(DrawWindows(random, 1), DrawOutputs(random), random);
  return Outcome{ErrorOf(drawn.KernelGradient(true), drawn.ExpectedKernelGradient()), drawn.Name()};
});

// Numbers of about 12; a wrong tap makes them wrong by about 1. How exact the algorithm is, winograd.test.cc tells.
constexpr double kLargeLayerLimit = 1e-3;

const bool large = Require("convolution: a layer and its gradient of Winograd's size are right", [] {
  Random random(3);
  // Of several blocks of channels both ways.
  const ConvolutionCase layer({1, 13, 15, 133, 1, 3, 1, 0, 2, 12, 15}, 141, random);
  const auto is_wrong = [](const std::vector<float> &actual, const Sums &expected) {
    return !(LargestError(actual, expected.sums, std::vector<double>(actual.size(), 1)) < kLargeLayerLimit);
  };
  if (is_wrong(layer.Compute(false), layer.ExpectedResult())) return std::string("the layer is wrong");
  return std::string(is_wrong(layer.InputGradient(false), layer.ExpectedInputGradient()) ? "its gradient is wrong" : "");
});

// Layers of several blocks and tasks; the last two are large enough for Winograd's algorithm, the last of several groups.
std::vector<ConvolutionCase> Layers(Random &random) {
  std::vector<ConvolutionCase> layers;
  const auto add = [&](const Windows &windows, long outputs) { layers.emplace_back(windows, outputs, random); };
  add({3, 7, 13, 40, 1, 3, 1, 1, 1, 7, 13}, 2 * kPanel + 3);
  add({2, 31, 17, 5, 1, 3, 2, 0, 0, 15, 8}, 70);
  add({2, 14, 16, 3, 2, 3, 1, 1, 1, 28, 32}, 1);
  add({2, 13, 12, 2 * kBlockDepth + 1, 1, 1, 1, 0, 0, 13, 12}, 33);
  add({2, 9, 18, 37, 1, 3, 1, 1, 1, 9, 18}, 16 * kPanel + 7);
  add({2, 32, 34, 1500, 1, 3, 1, 1, 1, 32, 34}, 33);
  return layers;
}

const bool batches = Require("convolution: an image has the same bits in every batch and on any number of threads", [] {
  Random random(1);
  for (const ConvolutionCase &layer : Layers(random)) {
    const auto whole = layer.Compute(false);
    const auto gradient = layer.windows.enlargement == 1 ? layer.InputGradient(false) : std::vector<float>();
    for (long index = 0; index < layer.windows.batch; index++) {
      const ConvolutionCase image = layer.Image(index);
      const auto y = image.Compute(true);
      if (!AreSame(y.data(), whole.data() + index * y.size(), y.size())) return layer.Name();
      if (gradient.empty()) continue;
      const auto dx = image.InputGradient(true);
      if (!AreSame(dx.data(), gradient.data() + index * dx.size(), dx.size())) return "input gradient of " + layer.Name();
    }
  }
  return std::string();
});

const bool kernel_gradient_threads = Require("convolution kernel gradient: the same bits on any number of threads", [] {
  Random random(2);
  for (const ConvolutionCase &layer : Layers(random)) {
    if (layer.windows.enlargement > 1) continue;
    const auto shared = layer.KernelGradient(false);
    if (!AreSame(shared.data(), layer.KernelGradient(true).data(), shared.size())) return layer.Name();
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
