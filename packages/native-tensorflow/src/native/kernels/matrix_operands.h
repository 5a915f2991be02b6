// Matrices, and their transposes, as operands of a product (product.h says what a packer does).
#pragma once

#include <algorithm>

#include "simd.h"
#include "tile.h"
#include "transpose.h"

namespace loop {

// Left[i][k] = at[i * stride + k]
struct LeftMatrix {
  static constexpr Order kOrder = Order::kRowByRow;
  const float *at;
  long stride;

  template <typename Put>
  void Pack(long row, long rows, long step, long steps, Put put) const {
    for (long i = 0; i < rows; i++) put(i, 0, at + (row + i) * stride + step, steps);
  }
};

// Left[i][k] = at[k * stride + i]
struct LeftTransposed {
  static constexpr Order kOrder = Order::kStepByStep;
  const float *at;
  long stride;

  template <typename Put>
  void Pack(long row, long rows, long step, long steps, Put put) const {
    for (long k = 0; k < steps; k++) put(0, k, at + (step + k) * stride + row, rows);
  }
};

// Right[k][j] = at[k * stride + j]
struct RightMatrix {
  const float *at;
  long stride;

  void Pack(long column, long columns, long step, long steps, float *panel) const {
    for (long k = 0; k < steps; k++) {
      const float *from = at + (step + k) * stride + column;
      Store(panel + k * kPanel, LoadFirst(from, columns));
      Store(panel + k * kPanel + kLanes, LoadFirst(from + kLanes, columns - kLanes));
    }
  }
};

// Columns column … column + columns − 1 (at most kLanes; zeros beyond) of the transposed at[column * stride + k], to one half
// of a panel.
inline void PackTransposedHalf(const float *at, long stride, long column, long columns, long step, long steps, float *half) {
  for (long k = 0; k < steps; k += kLanes) {
    const float *from = at + column * stride + step + k;
    TransposeSquare(from, stride, columns, std::min<long>(kLanes, steps - k), half + k * kPanel, kPanel);
  }
}

// Right[k][j] = at[j * stride + k]
struct RightTransposed {
  const float *at;
  long stride;

  void Pack(long column, long columns, long step, long steps, float *panel) const {
    PackTransposedHalf(at, stride, column, std::min<long>(kLanes, columns), step, steps, panel);
    PackTransposedHalf(at, stride, column + kLanes, columns - kLanes, step, steps, panel + kLanes);
  }
};

}  // namespace loop
