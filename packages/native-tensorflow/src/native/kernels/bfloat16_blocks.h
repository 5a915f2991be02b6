// Operands of a product rounded to bfloat16 while they are packed.
#pragma once

#include "bfloat16.h"
#include "blocks.h"
#include "transpose.h"

#ifdef LOOP_HAS_BFLOAT16

namespace loop {

template <>
struct Blocks<Pair> {
  static constexpr long kSteps = 2;

  // A pair is of one row, so a left operand that comes step by step is transposed.
  template <typename Left>
  static constexpr Order kOrder = Order::kRowByRow;
  template <typename Left>
  static constexpr long kStride = kBlockStride;

  template <typename Left>
  static void PackLeft(const Left &left, long row, long rows, long step, long steps, Pair *block) {
    if constexpr (Left::kOrder == Order::kRowByRow) {
      left.Pack(row, rows, step, steps, [&](long i, long k, const float *from, long count) {
        if (from == nullptr) {
          std::memset(At(block, i, k), 0, count * sizeof(uint16_t));
        } else {
          RoundRow(from, count, At(block, i, k));
        }
      });
    } else {
      for (long k = 0; k < steps; k += kLanes) {
        PackTransposed(left, row, rows, step + k, std::min<long>(kLanes, steps - k), block + k / kSteps);
      }
    }
    if (steps % kSteps != 0) {
      for (long i = 0; i < rows; i++) std::memset(At(block, i, steps), 0, sizeof(uint16_t));
    }
  }

  template <typename Right>
  static void PackPanel(const Right &right, long column, long columns, long step, long steps, Pair *panel) {
    constexpr long kAtOnce = 64;
    float floats[kAtOnce * kPanel];
    for (long done = 0; done < steps; done += kAtOnce) {
      const long count = std::min(kAtOnce, steps - done);
      right.Pack(column, columns, step + done, count, floats);
      if (count % kSteps != 0) std::memset(floats + count * kPanel, 0, kPanel * sizeof(float));
      for (long k = 0; k < count; k += kSteps) {
        for (long j = 0; j < kPanel; j += kLanes) {
          const float *at = floats + k * kPanel + j;
          RoundPairs(Load(at), Load(at + kPanel), panel + (done + k) / kSteps * kPanel + j);
        }
      }
    }
  }

 private:
  // Step k of row i.
  static uint16_t *At(Pair *block, long i, long k) { return reinterpret_cast<uint16_t *>(block + i * kBlockStride) + k; }

  // At most kLanes steps.
  template <typename Left>
  static void PackTransposed(const Left &left, long row, long rows, long step, long steps, Pair *block) {
    float floats[kLanes * kBlockRows], square[kLanes * kLanes];
    Blocks<float>::PackLeft(left, row, rows, step, steps, floats);
    for (long i = 0; i < rows; i += kLanes) {
      const long count = std::min<long>(kLanes, rows - i);
      TransposeSquare(floats + i, kBlockRows, steps, count, square, kLanes);
      for (long j = 0; j < count; j++) RoundRow(square + j * kLanes, steps, At(block, i + j, 0));
    }
  }
};

}  // namespace loop

#endif
