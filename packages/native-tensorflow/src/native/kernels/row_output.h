// The output of a product that is a matrix as it stands in memory: y = sums + bias + add.
#pragma once

#include "simd.h"

namespace loop {

struct RowOutput {
  float *y;  // rows `stride` apart; those of `add` too
  long stride;
  const float *bias;  // [columns], or null
  const float *add;   // the shape of y, or null; may not overlap it

  // Sums are added up where the result is wanted.
  struct Block {
    float *sums;
    long stride;
    long columns;
    const float *bias, *add;

    void Finish(long row, long rows) {
      if (bias == nullptr && add == nullptr) return;
      for (long i = row; i < row + rows; i++) {
        for (long j = 0; j < columns; j += kLanes) {
          float *at = sums + i * stride + j;
          Vec sum = LoadFirst(at, columns - j);
          if (bias != nullptr) sum = sum + LoadFirst(bias + j, columns - j);
          if (add != nullptr) sum = sum + LoadFirst(add + i * stride + j, columns - j);
          StoreFirst(at, columns - j, sum);
        }
      }
    }
  };

  // For kernels that compute a few sums at a time: `columns` of one row from `column` on, at most kLanes.
  void Put(long row, long column, long columns, Vec sum) const {
    const long at = row * stride + column;
    if (bias != nullptr) sum = sum + LoadFirst(bias + column, columns);
    if (add != nullptr) sum = sum + LoadFirst(add + at, columns);
    StoreFirst(y + at, columns, sum);
  }

  Block Begin(long row, long, long column, long columns) const {
    const long corner = row * stride + column;
    return {y + corner, stride, columns, bias == nullptr ? nullptr : bias + column, add == nullptr ? nullptr : add + corner};
  }
};

}  // namespace loop
