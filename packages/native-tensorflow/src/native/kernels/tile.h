// The innermost product, on which all others stand: a few rows by one panel, held in registers.
//
// A panel is `kPanel` columns of the right operand, row after row (a row of the panel is a step of the sum):
//
//            kPanel columns
//          ┌────────────────┐
//   depth  │ b[0][0 … ]     │     c[i][j] (+)= Σ_k a[i][k] · b[k][j],   k from 0 up, one rounding per step
//          │ b[1][0 … ]     │
//          └────────────────┘
//
// The order of each sum is that of k alone. So a result has the same bits whatever rows it is computed beside.
#pragma once

#include <array>
#include <utility>

#include "simd.h"

namespace loop {

constexpr int kPanel = 2 * kLanes;
// Two vectors of sums for each row, two of the panel and one broadcast number fill the 32, or 16, registers.
constexpr int kTileRows = kLanes == 16 ? 14 : 6;

// How the left operand lies in memory: a[i * stride + k], or a[k * stride + i].
enum class Order { kRowByRow, kStepByStep };

template <int kRows, Order kOrder>
void MultiplyTile(const float *a, long stride, const float *panel, long depth, float *c, long c_stride, long columns,
                  bool accumulate) {
  Vec sums[kRows][2];
#pragma GCC unroll 14
  for (int i = 0; i < kRows; i++) {
    sums[i][0] = accumulate ? LoadFirst(c + i * c_stride, columns) : Zero();
    sums[i][1] = accumulate ? LoadFirst(c + i * c_stride + kLanes, columns - kLanes) : Zero();
  }
  for (long k = 0; k < depth; k++) {
    const Vec left = Load(panel + k * kPanel);
    const Vec right = Load(panel + k * kPanel + kLanes);
#pragma GCC unroll 14
    for (int i = 0; i < kRows; i++) {
      const Vec x = Fill(kOrder == Order::kRowByRow ? a[i * stride + k] : a[k * stride + i]);
      sums[i][0] = MultiplyAdd(x, left, sums[i][0]);
      sums[i][1] = MultiplyAdd(x, right, sums[i][1]);
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < kRows; i++) {
    StoreFirst(c + i * c_stride, columns, sums[i][0]);
    StoreFirst(c + i * c_stride + kLanes, columns - kLanes, sums[i][1]);
  }
}

using TileFunction = void (*)(const float *, long, const float *, long, float *, long, long, bool);

template <Order kOrder, int... kRows>
constexpr std::array<TileFunction, sizeof...(kRows)> TileFunctions(std::integer_sequence<int, kRows...>) {
  return {MultiplyTile<kRows + 1, kOrder>...};
}

// c[rows × columns] (+)= a[rows × depth] · panel[depth × kPanel] for any number of rows, in tiles of equal height. `columns` are
// those of the panel that are written, at most kPanel.
template <Order kOrder>
void MultiplyPanel(long rows, const float *a, long stride, const float *panel, long depth, float *c, long c_stride,
                   long columns, bool accumulate) {
  static constexpr auto kFunctions = TileFunctions<kOrder>(std::make_integer_sequence<int, kTileRows>());
  const long tiles = (rows + kTileRows - 1) / kTileRows;
  long row = 0;
  for (long left = tiles; left > 0; left--) {
    const long height = (rows - row + left - 1) / left;
    const float *from = a + (kOrder == Order::kRowByRow ? row * stride : row);
    kFunctions[height - 1](from, stride, panel, depth, c + row * c_stride, c_stride, columns, accumulate);
    row += height;
  }
}

}  // namespace loop
