// How the operands of a product (product.h) are packed: blocks of the left one, panels of the right one.
#pragma once

#include <algorithm>
#include <cstring>

#include "tile.h"

namespace loop {

// A panel of so many numbers is 40 KB, and a block of the left operand 300 KB: they stay in a second-level cache of 1 MB while
// they are multiplied. The depth also decides where a sum is put down and taken up again, which rounds nothing.
constexpr long kBlockDepth = 320;
constexpr long kBlockRows = 16 * kTileRows;
// Rows of a packed block are this far apart, so that they do not meet in the same lines of the cache.
constexpr long kBlockStride = kBlockDepth + 16;
constexpr long kBlockNumbers = kBlockRows * kBlockStride;

// Packs numbers as they are multiplied: float here, pairs of bfloat16 in bfloat16_blocks.h.
template <typename Number>
struct Blocks;

template <>
struct Blocks<float> {
  // Steps of the sum that a number stands for.
  static constexpr long kSteps = 1;

  // How rows of a block lie, and how far apart these, or its steps, are.
  template <typename Left>
  static constexpr Order kOrder = Left::kOrder;
  template <typename Left>
  static constexpr long kStride = Left::kOrder == Order::kRowByRow ? kBlockStride : kBlockRows;

  template <typename Left>
  static void PackLeft(const Left &left, long row, long rows, long step, long steps, float *block) {
    left.Pack(row, rows, step, steps, [&](long i, long k, const float *from, long count) {
      float *to = block + (Left::kOrder == Order::kRowByRow ? i * kBlockStride + k : k * kBlockRows + i);
      if (from == nullptr) {
        std::memset(to, 0, count * sizeof(float));
      } else {
        std::memcpy(to, from, count * sizeof(float));
      }
    });
  }

  template <typename Right>
  static void PackPanel(const Right &right, long column, long columns, long step, long steps, float *panel) {
    right.Pack(column, columns, step, steps, panel);
  }
};

}  // namespace loop
