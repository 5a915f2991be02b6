// Random convolutions, and what they and their gradients are by plain loops.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "../kernels.h"
#include "check.h"

namespace loop::testing {

// Each step of a sum rounds once, by at most 2⁻²⁴ of what has been added up so far: the magnitudes are the sums of these
// partial sums. The second digit is for what the errors of partial sums add to them.
constexpr double kSumRounding = 6.1e-8;

// Sums in double precision, with the magnitudes of their rounding.
struct Sums {
  std::vector<double> sums, magnitudes;

  // Of the next result.
  void Begin() {
    sums.push_back(0);
    magnitudes.push_back(0);
  }
  void Add(double term) { magnitudes.back() += std::abs(sums.back() += term); }
};

struct ConvolutionCase {
  Windows windows;
  long outputs;
  std::vector<float> x, kernel, bias, add, dy;

  ConvolutionCase(const Windows &windows, long outputs, Random &random)
      : windows(windows),
        outputs(outputs),
        x(random.Numbers(windows.batch * windows.height * windows.width * windows.channels)),
        kernel(random.Numbers(windows.size * windows.size * windows.channels * outputs)),
        bias(random.Numbers(random.Coin() ? outputs : 0)),
        add(random.Numbers(random.Coin() ? OutPixels() * outputs : 0)),
        dy(random.Numbers(OutPixels() * outputs)) {}

  long OutPixels() const { return windows.batch * windows.out_height * windows.out_width; }

  std::string Name() const {
    const Windows &w = windows;
    std::string name;
    const auto append = [&](const char *before, long number) { name += before + std::to_string(number); };
    append("batch ", w.batch);
    append(", ", w.height);
    append("×", w.width);
    append("×", w.channels);
    append(" by ", w.enlargement);
    append(", windows ", w.size);
    append(" stride ", w.stride);
    append(" from −", w.top);
    append(" −", w.left);
    append(", ", w.out_height);
    append("×", w.out_width);
    append("×", outputs);
    return name;
  }

  // Calls visit(out pixel, tap, index of the image's pixel) for each tap within the image, taps in their order.
  template <typename Visit>
  void ForEachTap(Visit visit) const {
    const Windows &w = windows;
    for (long pixel = 0; pixel < OutPixels(); pixel++) {
      for (long tap = 0; tap < w.size * w.size; tap++) {
        const long y = pixel / w.out_width % w.out_height * w.stride + tap / w.size - w.top;
        const long x = pixel % w.out_width * w.stride + tap % w.size - w.left;
        if (y < 0 || y >= w.height * w.enlargement || x < 0 || x >= w.width * w.enlargement) continue;
        const long index = pixel / w.out_width / w.out_height;
        visit(pixel, tap, (index * w.height + y / w.enlargement) * w.width + x / w.enlargement);
      }
    }
  }

  std::vector<float> Compute(bool alone) const {
    std::vector<float> y(OutPixels() * outputs, NAN);
    ComputeConvolution({windows, outputs, x.data(), kernel.data(), bias.empty() ? nullptr : bias.data(),
                        add.empty() ? nullptr : add.data(), y.data()},
                       {alone});
    return y;
  }

  std::vector<float> InputGradient(bool alone) const {
    std::vector<float> dx(x.size(), NAN);
    ComputeConvolutionInputGradient({windows, outputs, dy.data(), kernel.data(), dx.data()}, {alone});
    return dx;
  }

  std::vector<float> KernelGradient(bool alone) const {
    std::vector<float> gradient(kernel.size(), NAN);
    ComputeConvolutionKernelGradient({windows, outputs, dy.data(), x.data(), gradient.data()}, {alone});
    return gradient;
  }

  // The image number `index` as a batch of its own.
  ConvolutionCase Image(long index) const {
    ConvolutionCase image = *this;
    image.windows.batch = 1;
    const auto part = [&](const std::vector<float> &of) {
      const long count = static_cast<long>(of.size()) / windows.batch;
      return std::vector<float>(of.begin() + index * count, of.begin() + (index + 1) * count);
    };
    image.x = part(x);
    image.add = part(add);
    image.dy = part(dy);
    return image;
  }

  Sums ExpectedResult() const {
    std::vector<std::vector<std::pair<long, long>>> met(OutPixels());
    ForEachTap([&](long pixel, long tap, long image_pixel) { met[pixel].push_back({tap, image_pixel}); });
    Sums expected;
    for (long pixel = 0; pixel < OutPixels(); pixel++) {
      for (long n = 0; n < outputs; n++) {
        expected.Begin();
        for (const auto &[tap, image_pixel] : met[pixel]) {
          for (long c = 0; c < windows.channels; c++) expected.Add(X(image_pixel, c) * Kernel(tap, c, n));
        }
        if (!bias.empty()) expected.Add(bias[n]);
        if (!add.empty()) expected.Add(add[pixel * outputs + n]);
      }
    }
    return expected;
  }

  // The taps of a pixel of the image are met in reverse.
  Sums ExpectedInputGradient() const {
    std::vector<std::vector<std::pair<long, long>>> met(x.size() / windows.channels);
    ForEachTap([&](long pixel, long tap, long image_pixel) { met[image_pixel].push_back({tap, pixel}); });
    Sums expected;
    for (auto &meetings : met) {
      std::sort(meetings.rbegin(), meetings.rend());
      for (long c = 0; c < windows.channels; c++) {
        expected.Begin();
        for (const auto &[tap, pixel] : meetings) {
          for (long n = 0; n < outputs; n++) expected.Add(Dy(pixel, n) * Kernel(tap, c, n));
        }
      }
    }
    return expected;
  }

  Sums ExpectedKernelGradient() const {
    std::vector<std::vector<std::pair<long, long>>> met(windows.size * windows.size);
    ForEachTap([&](long pixel, long tap, long image_pixel) { met[tap].push_back({pixel, image_pixel}); });
    Sums expected;
    for (const auto &meetings : met) {
      for (long c = 0; c < windows.channels; c++) {
        for (long n = 0; n < outputs; n++) {
          expected.Begin();
          for (const auto &[pixel, image_pixel] : meetings) expected.Add(X(image_pixel, c) * Dy(pixel, n));
        }
      }
    }
    return expected;
  }

 private:
  double X(long pixel, long c) const { return x[pixel * windows.channels + c]; }
  double Dy(long pixel, long n) const { return dy[pixel * outputs + n]; }
  double Kernel(long tap, long c, long n) const { return kernel[(tap * windows.channels + c) * outputs + n]; }
};

// Where there are sums of nothing, both are zero, and the error is none.
inline double ErrorOf(const std::vector<float> &actual, Sums expected) {
  for (double &magnitude : expected.magnitudes) magnitude = std::max(magnitude, 1e-30);
  return LargestError(actual, expected.sums, expected.magnitudes);
}

// Any frame, which may end before the image does.
inline Windows DrawWindows(Random &random, long largest_enlargement) {
  Windows w{};
  w.batch = random.Whole(1, 2);
  w.height = random.Whole(1, 6);
  w.width = random.Whole(1, 6);
  w.channels = random.Whole(1, random.Whole(0, 5) == 0 ? 40 : 4);
  w.enlargement = random.Whole(1, largest_enlargement);
  w.size = random.Coin() ? 3 : 1;
  w.stride = random.Whole(1, 2);
  w.top = random.Whole(0, 2);
  w.left = random.Whole(0, 2);
  const auto out_length = [&](long length, long before) {
    return std::max(0L, length * w.enlargement + before + random.Whole(-1, 2) - w.size) / w.stride + 1;
  };
  w.out_height = out_length(w.height, w.top);
  w.out_width = out_length(w.width, w.left);
  return w;
}

inline long DrawOutputs(Random &random) { return random.Whole(1, random.Whole(0, 5) == 0 ? 70 : 4); }

}  // namespace loop::testing
