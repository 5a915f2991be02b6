// The rows of one head of attention: how they are copied for the tile's products (tile.h), as they are or rounded to bfloat16
// (bfloat16.h).
#pragma once

#include <algorithm>

#include "bfloat16_blocks.h"
#include "kernels.h"
#include "matrix_operands.h"

namespace loop {

constexpr float kLog2E = 1.44269504f, kLn2 = 0.69314718f;

inline long CountOf(long whole, long part) { return (whole + part - 1) / part; }

// Numbers for so many steps of a sum.
template <typename Number>
long NumbersOf(long steps) {
  return CountOf(steps, Blocks<Number>::kSteps);
}

// Scores are to the base of 2. In float32 the factor log₂ e is one operand's. In bfloat16 it is the scores' own: a multiple of
// the queries, and one of the keys in the gradient, would be rounded to other numbers than these are.
template <typename Number>
constexpr float kOperandFactor = 1;
template <>
constexpr float kOperandFactor<float> = kLog2E;
template <typename Number>
Vec ToBase2(Vec score) {
  if constexpr (kOperandFactor<Number> == 1) return score * Fill(kLog2E);
  return score;
}

// Where row `row` of a head starts.
inline const float *RowOf(const HeadRows &rows, long row, long head, long width) {
  return rows.at + row * rows.stride + head * width;
}

// How many blocks attention takes keys in, which are as large as each other or one larger. A block's scores for a panel of
// queries fill half of a first-level cache of 32 KB, its keys and values a quarter of a second-level cache of 1 MB.
inline long KeyBlocksOf(long context, long width) {
  constexpr long kScores = 4096, kKeyNumbers = 32 * 1024;
  return CountOf(context, std::max<long>(1, std::min(kScores / kPanel, kKeyNumbers / width)));
}

// How far apart copied rows lie: an odd number of vectors, so that a column of them does not meet in the same few sets of a
// cache.
inline long RowStride(long numbers) { return (CountOf(numbers, kLanes) | 1) * kLanes; }

// kLanes numbers of a row, which are steps of a sum.
inline void StoreRow(Vec numbers, float *to) { Store(to, numbers); }
// kLanes numbers of a row that is one step, or of the rows that are the steps of a pair.
inline void StoreSteps(const Vec (&steps)[1], float *to) { Store(to, steps[0]); }
#ifdef LOOP_HAS_BFLOAT16
inline void StoreRow(Vec numbers, Pair *to) { RoundRow(numbers, to); }
inline void StoreSteps(const Vec (&steps)[2], Pair *to) { RoundPairs(steps[0], steps[1], to); }
#endif

// Rows for a sum over their columns, RowStride(NumbersOf(width)) apart, zeros after the last column.
template <typename Number>
void CopyRows(const float *from, long stride, long rows, long width, Number *to) {
  for (long row = 0; row < rows; row++) {
    const float *numbers = from + row * stride;
    Number *target = to + row * RowStride(NumbersOf<Number>(width));
    for (long i = 0; i < width; i += kLanes) StoreRow(LoadFirst(numbers + i, width - i), target + NumbersOf<Number>(i));
  }
}

// Rows for a sum over themselves: NumbersOf(rows) of them, RowStride(width) apart, a zero after the last row of a pair.
template <typename Number>
void CopySteps(const float *from, long stride, long rows, long width, Number *to) {
  constexpr long kSteps = Blocks<Number>::kSteps;
  for (long row = 0; row < rows; row += kSteps) {
    for (long i = 0; i < width; i += kLanes) {
      Vec steps[kSteps];
      for (long k = 0; k < kSteps; k++) {
        steps[k] = row + k < rows ? LoadFirst(from + (row + k) * stride + i, width - i) : Zero();
      }
      StoreSteps(steps, to + row / kSteps * RowStride(width) + i);
    }
  }
}

// A panel with up to kPanel rows as its columns, times `factor`, and zeros beyond:
//
//    rows                    panel
//   ┌─ width ─┐             ┌ kPanel ┐
//   │ row 0   │             │0 1 2 … │
//   │ row 1   │      ▸      │        │ width
//   │   ⋮     │             └────────┘
//   └─────────┘
struct ScaledTransposed {
  RightTransposed rows;
  float factor;

  void Pack(long column, long columns, long step, long steps, float *panel) const {
    rows.Pack(column, columns, step, steps, panel);
    if (factor == 1) return;
    for (long i = 0; i < steps * kPanel; i += kLanes) Store(panel + i, Load(panel + i) * Fill(factor));
  }
};
template <typename Number>
void PackPanel(const float *from, long stride, long rows, long width, float factor, Number *panel) {
  const ScaledTransposed columns{{from, stride}, factor};
  Blocks<Number>::PackPanel(columns, 0, std::min<long>(kPanel, rows), 0, width, panel);
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
