// A matrix product in blocks that stay in the processor's caches, after Goto & van de Geijn 2008 ("Anatomy of High-Performance
// Matrix Multiplication"): operands are copied as they are needed, so that every innermost step reads memory in order, and
// nothing is kept that could go stale when weights change.
//
//                    ┌─ columns of a task ─┐
//          depth ▸ ┌─┬─┬─┬─┬─┐             right, as panels of kPanel columns and kBlockDepth steps
//                  └─┴─┴─┴─┴─┘
//          ┌────┐  ┌─────────┐
//   rows ▾ │left│  │  sums   │             left, as blocks of kBlockRows rows and kBlockDepth steps
//          └────┘  └─────────┘
//
// What the operands are (a matrix, its transpose, the windows of an image) is up to their packers:
//
//   struct Left {
//     static constexpr Order kOrder;
//     // Calls put(i, k, from, count) for runs that together are rows row … row + rows − 1 and steps step … step + steps − 1:
//     // `count` numbers of row i from step k on where the order is row by row, of step k from row i on where it is step by
//     // step, both counted from the block's corner; `from` is null for zeros.
//     template <typename Put> void Pack(long row, long rows, long step, long steps, Put put) const;
//   };
//   struct Right {
//     // Writes columns column … column + columns − 1 (at most kPanel; zeros beyond) of the steps to panel[steps × kPanel].
//     void Pack(long column, long columns, long step, long steps, float *panel) const;
//   };
//   struct Output {
//     // What a task of the product adds up; `Finish` is called for each of its rows once their sums are complete.
//     struct Block { float *sums; long stride; void Finish(long row, long rows); };
//     Block Begin(long row, long rows, long column, long columns) const;
//   };
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels.h"
#include "memory.h"
#include "threads.h"
#include "tile.h"

namespace loop {

// A panel of this depth is 40 KB and ten of them 400 KB; with a block of the left operand they stay in a second-level cache of
// 1 MB. The depth also decides where a sum is put down and taken up again, which rounds nothing.
constexpr long kBlockDepth = 320;
constexpr long kBlockRows = 16 * kTileRows;
// Rows of a packed block are this far apart, so that they do not meet in the same lines of the cache.
constexpr long kBlockStride = kBlockDepth + 16;

template <typename Left>
void PackLeft(const Left &left, long row, long rows, long step, long steps, float *block) {
  left.Pack(row, rows, step, steps, [&](long i, long k, const float *from, long count) {
    float *to = block + (Left::kOrder == Order::kRowByRow ? i * kBlockStride + k : k * kBlockRows + i);
    if (from == nullptr) {
      std::memset(to, 0, count * sizeof(float));
    } else {
      std::memcpy(to, from, count * sizeof(float));
    }
  });
}

template <typename Left, typename Right, typename Output>
void ProductTask(long row0, long row1, long column0, long column1, long depth, const Left &left, const Right &right,
                 const Output &output) {
  const long panels = (column1 - column0 + kPanel - 1) / kPanel;
  Buffer<float> packed_panels(panels * kBlockDepth * kPanel);
  Buffer<float> packed_rows(std::max(kBlockRows * kBlockStride, kBlockDepth * kBlockRows));
  auto block = output.Begin(row0, row1 - row0, column0, column1 - column0);
  // Once even where there are no steps, whose sum is zero.
  for (long step = 0; step == 0 || step < depth; step += kBlockDepth) {
    const long steps = std::min(kBlockDepth, depth - step);
    for (long p = 0; p < panels; p++) {
      const long column = column0 + p * kPanel;
      right.Pack(column, std::min<long>(kPanel, column1 - column), step, steps, packed_panels.get() + p * kBlockDepth * kPanel);
    }
    for (long row = row0; row < row1; row += kBlockRows) {
      const long rows = std::min(kBlockRows, row1 - row);
      PackLeft(left, row, rows, step, steps, packed_rows.get());
      constexpr long kStride = Left::kOrder == Order::kRowByRow ? kBlockStride : kBlockRows;
      for (long p = 0; p < panels; p++) {
        const long columns = std::min<long>(kPanel, column1 - column0 - p * kPanel);
        MultiplyPanel<Left::kOrder>(rows, packed_rows.get(), kStride, packed_panels.get() + p * kBlockDepth * kPanel, steps,
                                    block.sums + (row - row0) * block.stride + p * kPanel, block.stride, columns, step > 0);
      }
      if (step + steps == depth) block.Finish(row - row0, rows);
    }
  }
}

// Cut into at least two tasks for each thread where the product is large enough, as long as each has a few tiles.
template <typename Left, typename Right, typename Output>
void Product(long rows, long columns, long depth, const Left &left, const Right &right, const Output &output,
             Execution execution) {
  const long wanted = execution.alone ? 1 : 2 * ThreadCount();
  long row_chunk = 4 * kBlockRows, column_chunk = 10 * kPanel;
  const auto tasks = [&] { return ((rows + row_chunk - 1) / row_chunk) * ((columns + column_chunk - 1) / column_chunk); };
  while (tasks() < wanted && column_chunk > 2 * kPanel) column_chunk = (column_chunk / 2 + kPanel - 1) / kPanel * kPanel;
  while (tasks() < wanted && row_chunk > 2 * kTileRows) row_chunk = std::max<long>(2 * kTileRows, row_chunk / 2);
  const long row_chunks = (rows + row_chunk - 1) / row_chunk, column_chunks = (columns + column_chunk - 1) / column_chunk;
  // Tasks that follow each other share columns, and so the weights that are packed.
  ForEach(row_chunks * column_chunks, execution.alone, [&](long task) {
    const long r = task % row_chunks, c = task / row_chunks;
    ProductTask(rows * r / row_chunks, rows * (r + 1) / row_chunks, c * column_chunk,
                std::min(columns, (c + 1) * column_chunk), depth, left, right, output);
  });
}

}  // namespace loop
