// The rows of one head of attention: how they are copied for the tile's products (tile.h).
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels.h"
#include "matrix_operands.h"

namespace loop {

constexpr float kLog2E = 1.44269504f, kLn2 = 0.69314718f;

inline long CountOf(long whole, long part) { return (whole + part - 1) / part; }

// Where row `row` of a head starts.
inline const float *RowOf(const HeadRows &rows, long row, long head, long width) {
  return rows.at + row * rows.stride + head * width;
}

// How far apart copied rows lie: never a whole, even number of cache lines, so that a column of them does not meet in the same
// few sets of a cache.
inline long RowStride(long width) { return width % (2 * kLanes) == 0 ? width + kLanes : width; }

inline void CopyRows(const float *from, long stride, long rows, long width, float *to) {
  for (long row = 0; row < rows; row++) std::memcpy(to + row * RowStride(width), from + row * stride, width * sizeof(float));
}

// A panel with up to kPanel rows as its columns, times `factor`, and zeros beyond:
//
//    rows                    panel
//   ┌─ width ─┐             ┌ kPanel ┐
//   │ row 0   │             │0 1 2 … │
//   │ row 1   │      ▸      │        │ width
//   │   ⋮     │             └────────┘
//   └─────────┘
inline void PackPanel(const float *from, long stride, long rows, long width, float factor, float *panel) {
  RightTransposed{from, stride}.Pack(0, std::min<long>(kPanel, rows), 0, width, panel);
  if (factor == 1) return;
  for (long i = 0; i < width * kPanel; i += kLanes) Store(panel + i, Load(panel + i) * Fill(factor));
}

// The way back; added to what is there where `add`.
inline void UnpackPanel(const float *panel, long rows, long width, float *to, long stride, bool add = false) {
  float square[kLanes * kLanes];
  for (long first = 0; first < rows; first += kLanes) {
    for (long i = 0; i < width; i += kLanes) {
      TransposeSquare(panel + i * kPanel + first, kPanel, width - i, kLanes, square, kLanes);
      for (long row = first; row < std::min(rows, first + kLanes); row++) {
        float *target = to + row * stride + i;
        const Vec numbers = Load(square + (row - first) * kLanes);
        StoreFirst(target, width - i, add ? LoadFirst(target, width - i) + numbers : numbers);
      }
    }
  }
}

}  // namespace loop
