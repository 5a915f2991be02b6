// The windows of an image as the left operand of a product. They are read where they lie: the matrix of all windows, nine
// times the image, is never made ("implicit" product; Chetlur et al. 2014, "cuDNN: Efficient Primitives for Deep Learning").
//
//            (window row, window column, channel) ▸
//          ┌───────────────────────────────────────┐     For pixel (y, x) of the output, the window's place (i, j) is
//  output  │ 0 0 0 0 … │ 0 0 0 0 … │ 0 c c c … │   │     pixel (y · stride + i − top, x · stride + j − left) of the
//  pixels ▾│           │           │           │   │     enlarged image, and zero outside it.
//          └───────────────────────────────────────┘
#pragma once

#include <algorithm>

#include "kernels.h"
#include "tile.h"

namespace loop {

// As `Windows` in kernels.h, but not only square; `top` and `left` may be negative.
struct ImageWindows {
  const float *image;
  long batch, height, width, channels;
  long enlargement;
  long rows, columns, stride;
  long top, left;
  long out_height, out_width;

  ImageWindows(const Windows &windows, const float *image)
      : image(image),
        batch(windows.batch),
        height(windows.height),
        width(windows.width),
        channels(windows.channels),
        enlargement(windows.enlargement),
        rows(windows.size),
        columns(windows.size),
        stride(windows.stride),
        top(windows.top),
        left(windows.left),
        out_height(windows.out_height),
        out_width(windows.out_width) {}

  long OutPixels() const { return batch * out_height * out_width; }
  long Depth() const { return rows * columns * channels; }

  // Calls visit(pixel, number, from, count) for runs that together are numbers first_number … first_number + numbers − 1 of
  // the windows of pixels first_pixel … first_pixel + pixels − 1: `count` numbers that lie at `from`, zeros where it is null.
  // The visitor counts both from the first.
  template <typename Visit>
  void ForEachRun(long first_pixel, long pixels, long first_number, long numbers, Visit visit) const {
    // What is side by side in a window's row is so in memory too, unless each pixel is repeated.
    const long together = enlargement == 1 ? columns : 1;
    const long piece = together * channels;
    for (long done = 0; done < numbers;) {
      const long begin = (first_number + done) % piece, tap = (first_number + done) / piece * together;
      const long end = std::min(piece, begin + numbers - done);
      VisitPiece(first_pixel, pixels, tap / columns, tap % columns, begin, end,
                 [&](long pixel, long number, const float *from, long count) {
                   visit(pixel, done + number - begin, from, count);
                 });
      done += end - begin;
    }
  }

 private:
  // Numbers begin … end − 1, counted from place (i, j) of the window on, which all lie in one row of the image.
  template <typename Visit>
  void VisitPiece(long first_pixel, long pixels, long i, long j, long begin, long end, Visit visit) const {
    long out_x = first_pixel % out_width, out_y = first_pixel / out_width % out_height;
    long index = first_pixel / out_width / out_height;
    for (long pixel = 0; pixel < pixels; pixel++) {
      const long y = out_y * stride + i - top, x = out_x * stride + j - left;
      // Where the image's row begins and ends within the piece.
      long inside = end, outside = end;
      if (y >= 0 && y < height * enlargement) {
        inside = std::clamp(-x * channels, begin, end);
        outside = std::clamp((width * enlargement - x) * channels, inside, end);
      }
      const long at = ((index * height + y / enlargement) * width + x / enlargement) * channels;
      if (begin < inside) visit(pixel, begin, nullptr, inside - begin);
      if (inside < outside) visit(pixel, inside, image + (at + inside), outside - inside);
      if (outside < end) visit(pixel, outside, nullptr, end - outside);
      if (++out_x < out_width) continue;
      out_x = 0;
      if (++out_y < out_height) continue;
      out_y = 0;
      index++;
    }
  }
};

// Left[pixel][number of the window]
struct LeftWindows {
  static constexpr Order kOrder = Order::kRowByRow;
  const ImageWindows &windows;

  template <typename Put>
  void Pack(long row, long rows, long step, long steps, Put put) const {
    windows.ForEachRun(row, rows, step, steps, put);
  }
};

// Left[number of the window][pixel]
struct LeftWindowsTransposed {
  static constexpr Order kOrder = Order::kStepByStep;
  const ImageWindows &windows;

  template <typename Put>
  void Pack(long row, long rows, long step, long steps, Put put) const {
    windows.ForEachRun(step, steps, row, rows, [&](long pixel, long number, const float *from, long count) {
      put(number, pixel, from, count);
    });
  }
};

}  // namespace loop
