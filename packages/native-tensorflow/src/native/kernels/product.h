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

#include "bfloat16_blocks.h"
#include "blocks.h"
#include "kernels.h"
#include "memory.h"
#include "threads.h"
#include "tile.h"

namespace loop {

template <typename Number, typename Left, typename Right, typename Output>
void ProductTask(long row0, long row1, long column0, long column1, long depth, const Left &left, const Right &right,
                 const Output &output) {
  using Packed = Blocks<Number>;
  constexpr long kStepsAtOnce = kBlockDepth * Packed::kSteps, kPanelNumbers = kBlockDepth * kPanel;
  const long panels = (column1 - column0 + kPanel - 1) / kPanel;
  Buffer<Number> packed_panels(panels * kPanelNumbers);
  Buffer<Number> packed_rows(kBlockNumbers);
  auto block = output.Begin(row0, row1 - row0, column0, column1 - column0);
  // Once even where there are no steps, whose sum is zero.
  for (long step = 0; step == 0 || step < depth; step += kStepsAtOnce) {
    const long steps = std::min(kStepsAtOnce, depth - step);
    const long numbers = (steps + Packed::kSteps - 1) / Packed::kSteps;
    for (long p = 0; p < panels; p++) {
      const long column = column0 + p * kPanel, columns = std::min<long>(kPanel, column1 - column);
      Packed::PackPanel(right, column, columns, step, steps, packed_panels.get() + p * kPanelNumbers);
    }
    for (long row = row0; row < row1; row += kBlockRows) {
      const long rows = std::min(kBlockRows, row1 - row);
      Packed::PackLeft(left, row, rows, step, steps, packed_rows.get());
      for (long p = 0; p < panels; p++) {
        const long columns = std::min<long>(kPanel, column1 - column0 - p * kPanel);
        float *sums = block.sums + (row - row0) * block.stride + p * kPanel;
        MultiplyPanel<Packed::template kOrder<Left>>(rows, packed_rows.get(), Packed::template kStride<Left>,
                                                     packed_panels.get() + p * kPanelNumbers, numbers, sums, block.stride,
                                                     columns, step > 0);
      }
      if (step + steps == depth) block.Finish(row - row0, rows);
    }
  }
}

// Cut into at least two tasks for each thread where the product is large enough, as long as each has a few tiles.
template <typename Number, typename Left, typename Right, typename Output>
void ProductOf(long rows, long columns, long depth, const Left &left, const Right &right, const Output &output, bool alone) {
  const long wanted = alone ? 1 : 2 * ThreadCount();
  long row_chunk = 4 * kBlockRows, column_chunk = 20 * kPanel;
  const auto tasks = [&] { return ((rows + row_chunk - 1) / row_chunk) * ((columns + column_chunk - 1) / column_chunk); };
  while (tasks() < wanted && column_chunk > 2 * kPanel) column_chunk = (column_chunk / 2 + kPanel - 1) / kPanel * kPanel;
  while (tasks() < wanted && row_chunk > 2 * kTileRows) row_chunk = std::max<long>(2 * kTileRows, row_chunk / 2);
  const long row_chunks = (rows + row_chunk - 1) / row_chunk, column_chunks = (columns + column_chunk - 1) / column_chunk;
  // Tasks that follow each other share columns, and so the weights that are packed.
  ForEach(row_chunks * column_chunks, alone, [&](long task) {
    const long r = task % row_chunks, c = task / row_chunks;
    ProductTask<Number>(rows * r / row_chunks, rows * (r + 1) / row_chunks, c * column_chunk,
                        std::min(columns, (c + 1) * column_chunk), depth, left, right, output);
  });
}

template <typename Left, typename Right, typename Output>
void Product(long rows, long columns, long depth, const Left &left, const Right &right, const Output &output,
             Execution execution) {
  WithNumber(execution.bfloat16, [&](auto number) {
    ProductOf<decltype(number)>(rows, columns, depth, left, right, output, execution.alone);
  });
}

}  // namespace loop
