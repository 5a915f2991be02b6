#include "winograd.h"

#include <algorithm>
#include <cstring>

#include "matrix_operands.h"
#include "testing/convolutions.h"

namespace loop::testing {
namespace {

std::vector<float> ByWinograd(const ConvolutionCase &layer, bool alone) {
  std::vector<float> y(layer.OutPixels() * layer.outputs, NAN);
  const RightMatrix kernel{layer.kernel.data(), layer.outputs};
  const auto pack = [&](long column, long columns, long step, long steps, float *panel) {
    kernel.Pack(column, columns, step, steps, panel);
  };
  const RowOutput output{y.data(), layer.outputs, layer.bias.empty() ? nullptr : layer.bias.data(),
                         layer.add.empty() ? nullptr : layer.add.data()};
  MultiplyWinograd(ImageWindows(layer.windows, layer.x.data()), layer.outputs, pack, output, {alone});
  return y;
}

// The absolute values of Bᵀ, G and Aᵀ of Lavin & Gray 2016, equation 22.
const std::vector<std::vector<double>> kImage = {{4, 0, 5, 0, 1, 0}, {0, 4, 4, 1, 1, 0}, {0, 4, 4, 1, 1, 0},
                                                 {0, 2, 1, 2, 1, 0}, {0, 2, 1, 2, 1, 0}, {0, 4, 0, 5, 0, 1}};
const std::vector<std::vector<double>> kKernel = {{1. / 4, 0, 0},           {1. / 6, 1. / 6, 1. / 6},   {1. / 6, 1. / 6, 1. / 6},
                                                  {1. / 24, 1. / 12, 1. / 6}, {1. / 24, 1. / 12, 1. / 6}, {0, 0, 1}};
const std::vector<std::vector<double>> kResult = {{1, 1, 1, 1, 1, 0}, {0, 1, 1, 2, 2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, 1, 8, 8, 1}};

// transform · square · transformᵀ
std::vector<double> TransformBothWays(const std::vector<std::vector<double>> &transform, const std::vector<double> &square) {
  const size_t to = transform.size(), from = transform[0].size();
  std::vector<double> half(to * from), whole(to * to);
  for (size_t i = 0; i < to; i++) {
    for (size_t j = 0; j < from; j++) {
      for (size_t k = 0; k < from; k++) half[i * from + j] += transform[i][k] * square[k * from + j];
    }
  }
  for (size_t i = 0; i < to; i++) {
    for (size_t j = 0; j < to; j++) {
      for (size_t k = 0; k < from; k++) whole[i * to + j] += half[i * from + k] * transform[j][k];
    }
  }
  return whole;
}

// What rounding is relative to, as all the terms of the algorithm's sums come out if none cancels another (Higham 2002, "Accuracy
// and Stability of Numerical Algorithms", section 3.5: products of matrices): |Aᵀ| [ (|G| |g| |Gᵀ|) ⊙ (|Bᵀ| |d| |B|) ] |A|.
std::vector<double> Magnitudes(const ConvolutionCase &layer) {
  const Windows &w = layer.windows;
  std::vector<std::vector<double>> kernels;
  for (long c = 0; c < w.channels; c++) {
    for (long n = 0; n < layer.outputs; n++) {
      std::vector<double> g;
      for (long tap = 0; tap < 9; tap++) g.push_back(std::abs(layer.kernel[(tap * w.channels + c) * layer.outputs + n]));
      kernels.push_back(TransformBothWays(kKernel, g));
    }
  }
  std::vector<double> magnitudes(layer.OutPixels() * layer.outputs);
  const auto visit_tile = [&](long index, long out_y, long out_x) {
    std::vector<std::vector<double>> products(layer.outputs, std::vector<double>(36));
    for (long c = 0; c < w.channels; c++) {
      std::vector<double> d;
      for (long place = 0; place < 36; place++) {
        const long y = out_y + place / 6 - w.top, x = out_x + place % 6 - w.left;
        const bool inside = y >= 0 && y < w.height * w.enlargement && x >= 0 && x < w.width * w.enlargement;
        const long pixel = (index * w.height + y / w.enlargement) * w.width + x / w.enlargement;
        d.push_back(inside ? std::abs(layer.x[pixel * w.channels + c]) : 0);
      }
      const auto image = TransformBothWays(kImage, d);
      for (long n = 0; n < layer.outputs; n++) {
        for (long place = 0; place < 36; place++) products[n][place] += image[place] * kernels[c * layer.outputs + n][place];
      }
    }
    for (long n = 0; n < layer.outputs; n++) {
      const auto result = TransformBothWays(kResult, products[n]);
      for (long place = 0; place < 16; place++) {
        const long y = out_y + place / 4, x = out_x + place % 4;
        if (y >= w.out_height || x >= w.out_width) continue;
        const long at = ((index * w.out_height + y) * w.out_width + x) * layer.outputs + n;
        // Bias and addend are each rounded to once more.
        magnitudes[at] = result[place] + (layer.bias.empty() ? 0 : 1) + (layer.add.empty() ? 0 : 1);
      }
    }
  };
  for (long index = 0; index < w.batch; index++) {
    for (long y = 0; y < w.out_height; y += 4) {
      for (long x = 0; x < w.out_width; x += 4) visit_tile(index, y, x);
    }
  }
  return magnitudes;
}

Windows DrawThreeByThree(Random &random) {
  Windows w{};
  w.batch = random.Whole(1, 2);
  w.height = random.Whole(1, 9);
  w.width = random.Whole(1, 9);
  w.channels = random.Whole(1, random.Whole(0, 5) == 0 ? 70 : 4);
  w.enlargement = random.Whole(0, 3) == 0 ? 2 : 1;
  w.size = 3;
  w.stride = 1;
  w.top = random.Whole(0, 2);
  w.left = random.Whole(0, 2);
  w.out_height = std::max(1L, w.height * w.enlargement + w.top + random.Whole(-1, 2) - 2);
  w.out_width = std::max(1L, w.width * w.enlargement + w.left + random.Whole(-1, 2) - 2);
  return w;
}

// As if every term were rounded twice to its 24 digits.
const bool winograd = Compare("winograd", 0x1p-23, [](Random &random) {
  const Windows windows = DrawThreeByThree(random);
  const ConvolutionCase drawn(windows, windows.channels > 4 ? random.Whole(1, 4) : DrawOutputs(random), random);
  return Outcome{LargestError(ByWinograd(drawn, true), drawn.ExpectedResult().sums, Magnitudes(drawn)), drawn.Name()};
});

}  // namespace
}  // namespace loop::testing
