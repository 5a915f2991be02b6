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
// The order of each sum is that of k alone. So a result has the same bits whatever rows it is computed beside. A Number is a
// float, or a pair of bfloat16 for two steps of the sum (bfloat16.h), which depth and stride then count.
#pragma once

#include <array>
#include <utility>

#include "bfloat16.h"
#include "simd.h"

namespace loop {

constexpr int kPanel = 2 * kLanes;
// Two vectors of sums for each row, two of the panel and one broadcast number fill the 32, or 16, registers.
constexpr int kTileRows = kLanes == 16 ? 14 : 6;

// How the left operand lies in memory: a[i * stride + k], or a[k * stride + i].
enum class Order { kRowByRow, kStepByStep };

// kVectors: 2, or 1 where the right half of the panel is not wanted.
template <int kRows, int kVectors, Order kOrder, typename Number>
void MultiplyTile(const Number *a, long stride, const Number *panel, long depth, float *c, long c_stride, long columns,
                  bool accumulate) {
  Vec sums[kRows][kVectors];
#pragma GCC unroll 14
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; j++) {
      sums[i][j] = accumulate ? LoadFirst(c + i * c_stride + j * kLanes, columns - j * kLanes) : Zero();
    }
  }
  for (long k = 0; k < depth; k++) {
    decltype(Load(panel)) b[kVectors];
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; j++) b[j] = Load(panel + k * kPanel + j * kLanes);
#pragma GCC unroll 14
    for (int i = 0; i < kRows; i++) {
      const auto x = Fill(kOrder == Order::kRowByRow ? a[i * stride + k] : a[k * stride + i]);
#pragma GCC unroll 2
      for (int j = 0; j < kVectors; j++) sums[i][j] = MultiplyAdd(x, b[j], sums[i][j]);
    }
  }
#pragma GCC unroll 14
  for (int i = 0; i < kRows; i++) {
#pragma GCC unroll 2
    for (int j = 0; j < kVectors; j++) StoreFirst(c + i * c_stride + j * kLanes, columns - j * kLanes, sums[i][j]);
  }
}

template <typename Number>
using TileFunction = void (*)(const Number *, long, const Number *, long, float *, long, long, bool);

template <int kVectors, Order kOrder, typename Number, int... kRows>
constexpr std::array<TileFunction<Number>, sizeof...(kRows)> TileFunctions(std::integer_sequence<int, kRows...>) {
  return {MultiplyTile<kRows + 1, kVectors, kOrder, Number>...};
}

// c[rows × columns] (+)= a[rows × depth] · panel[depth × kPanel] for any number of rows, in tiles of equal height. `columns` are
// those of the panel that are written, at most kPanel.
template <Order kOrder, typename Number>
void MultiplyPanel(long rows, const Number *a, long stride, const Number *panel, long depth, float *c, long c_stride,
                   long columns, bool accumulate) {
  using Heights = std::make_integer_sequence<int, kTileRows>;
  static constexpr std::array<TileFunction<Number>, kTileRows> kFunctions[] = {TileFunctions<1, kOrder, Number>(Heights()),
                                                                               TileFunctions<2, kOrder, Number>(Heights())};
  const auto &functions = kFunctions[columns > kLanes ? 1 : 0];
  const long tiles = (rows + kTileRows - 1) / kTileRows;
  long row = 0;
  for (long left = tiles; left > 0; left--) {
    const long height = (rows - row + left - 1) / left;
    const Number *from = a + (kOrder == Order::kRowByRow ? row * stride : row);
    functions[height - 1](from, stride, panel, depth, c + row * c_stride, c_stride, columns, accumulate);
    row += height;
  }
}

}  // namespace loop
