// Convolution with windows of 3 × 3 by Winograd's minimal filtering, F(4 × 4, 3 × 3) of Lavin & Gray 2016 ("Fast Algorithms for
// Convolutional Neural Networks", section 4.3):
//
//   y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A
//
// d is a tile of 6 × 6 pixels of the image, g the kernel and y a tile of 4 × 4 pixels of the result. 36 products of numbers do
// the work of 144. Summed over the channels, each of the 36 places of a tile is a product of matrices:
//
//              channels            outputs               outputs
//   tiles ▾  ┌───────────┐       ┌──────────┐          ┌──────────┐
//            │ Bᵀ d B    │   ·   │ G g Gᵀ   │    =     │          │    36 times
//            └───────────┘       └──────────┘          └──────────┘
//
// The left matrices are made for a group of tiles, so few that they stay in the caches while all outputs are computed from them.
// Tasks then take a panel or two of outputs and a chunk of the group's tiles each; the right matrices, made for a block of
// channels of one panel at a time, and the results are theirs alone. The right matrices cost as much as multiplying
// a dozen tiles, for the most part to read the kernel.
#include "winograd.h"

#include <algorithm>

#include "memory.h"
#include "threads.h"
#include "tile.h"

namespace loop {
namespace {

constexpr int kTaps = 3, kOutTile = 4, kInTile = kOutTile + kTaps - 1, kPlaces = kInTile * kInTile;

// What is held at a time; it decides about speed and memory, not about any sum. In all at most 32 MB for each call and 2.1 MB for
// each thread.
//
// The left matrices of a group: 4 MB for each two threads, so that chunks are not too small where there are many, up to 32 MB in
// all. Where channels are many a group has kLeastGroupTiles nevertheless, as long as they stay below 32 MB.
constexpr long kGroupNumbers = 1 << 20, kMostGroupNumbers = 8 << 20;
constexpr long kLeastGroupTiles = 64;
// Of a task at most 2.1 MB: the right matrices of a panel, 36 · kChannelBlock · kPanel, are 0.6 MB, the taps that they are made
// from 0.15 MB for each panel, and the results, 36 · kChunkTiles · kPanel, 0.6 MB for each panel.
constexpr long kChannelBlock = 128;
constexpr long kChunkTiles = 128;
constexpr long kTaskPanels = 2;

// The transforms are those of equation 22, but the rows of G are multiplied by 4, −6, −6, 24, 24 and 1, and those of Bᵀ divided
// by them, which cancels in the product: kernels are transformed for each group of tiles, so theirs should cost little.

// Bᵀ, divided.
inline void TransformImage(const Vec d[kInTile], Vec to[kInTile]) {
  const Vec sixth = Fill(1.f / 6), two_thirds = Fill(4.f / 6);
  to[0] = MultiplyAdd(Fill(1.f / 4), d[4], NegativeMultiplyAdd(Fill(5.f / 4), d[2], d[0]));
  const Vec even = NegativeMultiplyAdd(sixth, d[4], two_thirds * d[2]), odd = NegativeMultiplyAdd(sixth, d[3], two_thirds * d[1]);
  to[1] = even + odd;
  to[2] = even - odd;
  const Vec even2 = Fill(1.f / 24) * (d[4] - d[2]), odd2 = Fill(1.f / 12) * (d[3] - d[1]);
  to[3] = even2 + odd2;
  to[4] = even2 - odd2;
  to[5] = MultiplyAdd(Fill(4), d[1], NegativeMultiplyAdd(Fill(5), d[3], d[5]));
}

// G, multiplied.
inline void TransformKernel(const Vec g[kTaps], Vec to[kInTile]) {
  to[0] = g[0];
  const Vec even = g[0] + g[2], even2 = MultiplyAdd(Fill(4), g[2], g[0]);
  to[1] = even + g[1];
  to[2] = even - g[1];
  to[3] = MultiplyAdd(Fill(2), g[1], even2);
  to[4] = NegativeMultiplyAdd(Fill(2), g[1], even2);
  to[5] = g[2];
}

// Aᵀ.
inline void TransformResult(const Vec m[kInTile], Vec to[kOutTile]) {
  const Vec even = m[1] + m[2], odd = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
  to[0] = m[0] + even + even2;
  to[1] = MultiplyAdd(Fill(2), odd2, odd);
  to[2] = MultiplyAdd(Fill(4), even2, even);
  to[3] = MultiplyAdd(Fill(8), odd2, odd) + m[5];
}

// T · square · Tᵀ, where `transform` is T: each row is transformed and becomes a column, twice.
template <int kFrom, int kTo, void (*transform)(const Vec *, Vec *)>
inline void TransformSquare(const Vec (&square)[kFrom][kFrom], Vec (&to)[kTo][kTo]) {
  Vec half[kTo][kFrom], column[kTo];
#pragma GCC unroll 6
  for (int i = 0; i < kFrom; i++) {
    transform(square[i], column);
#pragma GCC unroll 6
    for (int j = 0; j < kTo; j++) half[j][i] = column[j];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTo; i++) {
    transform(half[i], column);
#pragma GCC unroll 6
    for (int j = 0; j < kTo; j++) to[j][i] = column[j];
  }
}

// Where the planes of the 36 places are put, each `rows` rows of `stride` numbers: a little further apart than they are long, so
// that what is written to all of them at once does not meet in the same lines of the cache.
struct Planes {
  float *at;
  long stride, apart;

  static long Apart(long rows, long stride) { return rows * stride + kLanes; }
  static long Numbers(long rows, long stride) { return kPlaces * Apart(rows, stride); }
  Planes(float *at, long rows, long stride) : at(at), stride(stride), apart(Apart(rows, stride)) {}

  float *Row(int place, long row) const { return at + place * apart + row * stride; }
};

class Winograd {
 public:
  Winograd(const ImageWindows &windows, long outputs, const PackKernel &pack_kernel, const RowOutput &y)
      : windows_(windows),
        outputs_(outputs),
        pack_kernel_(pack_kernel),
        y_(y),
        down_((windows.out_height + kOutTile - 1) / kOutTile),
        across_((windows.out_width + kOutTile - 1) / kOutTile),
        tiles_(windows.batch * down_ * across_),
        row_stride_((windows.channels + kLanes - 1) / kLanes * kLanes + kLanes) {}

  void Run(Execution execution) const {
    const long threads = execution.alone ? 1 : ThreadCount(), group_tiles = GroupTiles(threads);
    const long groups = (tiles_ + group_tiles - 1) / group_tiles, largest = (tiles_ + groups - 1) / groups;
    Buffer<float> numbers(Planes::Numbers(largest, row_stride_));
    const Planes image(numbers.get(), largest, row_stride_);
    // At least two tasks for each thread; several where each has more panels than one, so that none is left alone at the end.
    const long wanted = execution.alone ? 1 : 2 * threads, panels = (outputs_ + kPanel - 1) / kPanel;
    const long shares = execution.alone || panels >= 2 * kTaskPanels * wanted ? (panels + kTaskPanels - 1) / kTaskPanels : panels;
    for (long group = 0; group < groups; group++) {
      const long first = tiles_ * group / groups, count = tiles_ * (group + 1) / groups - first;
      ForEach(count, execution.alone, [&](long tile) { TransformImageTile(first + tile, tile, image); });
      const long chunks = Chunks(count, (wanted + shares - 1) / shares);
      // Tasks that follow each other share a chunk.
      ForEach(chunks * shares, execution.alone, [&](long task) {
        const long chunk = task / shares, begin = count * chunk / chunks, end = count * (chunk + 1) / chunks;
        const long share = task % shares, panel = panels * share / shares;
        MultiplyChunk(image, first, begin, end - begin, panel, panels * (share + 1) / shares - panel);
      });
    }
  }

 private:
  struct Tile {
    long index, y, x;  // of the image, and of the result's first pixel
  };
  Tile At(long tile) const {
    return {tile / across_ / down_, tile / across_ % down_ * kOutTile, tile % across_ * kOutTile};
  }

  long GroupTiles(long threads) const {
    const long tile_numbers = kPlaces * row_stride_;
    const long numbers = std::clamp(kGroupNumbers * threads / 2, kGroupNumbers, kMostGroupNumbers);
    return std::max({1L, numbers / tile_numbers, std::min(kLeastGroupTiles, kMostGroupNumbers / tile_numbers)});
  }

  // As many as are wanted, as long as each has a few tiles.
  static long Chunks(long tiles, long wanted) {
    const long least = (tiles + kChunkTiles - 1) / kChunkTiles, most = std::max(least, tiles / (2 * kTileRows));
    return std::clamp(wanted, least, most);
  }

  // The 36 pixels of a tile; null outside the image.
  void FindPixels(long tile, const float *(&pixels)[kInTile][kInTile]) const {
    const auto [index, out_y, out_x] = At(tile);
    const ImageWindows &w = windows_;
    for (int i = 0; i < kInTile; i++) {
      for (int j = 0; j < kInTile; j++) {
        const long y = out_y + i - w.top, x = out_x + j - w.left;
        const bool inside = y >= 0 && y < w.height * w.enlargement && x >= 0 && x < w.width * w.enlargement;
        const long pixel = (index * w.height + y / w.enlargement) * w.width + x / w.enlargement;
        pixels[i][j] = inside ? w.image + pixel * w.channels : nullptr;
      }
    }
  }

  void TransformImageTile(long tile, long row, const Planes &image) const {
    const float *pixels[kInTile][kInTile];
    FindPixels(tile, pixels);
    for (long c = 0; c < windows_.channels; c += kLanes) {
      Vec d[kInTile][kInTile], transformed[kInTile][kInTile];
#pragma GCC unroll 6
      for (int i = 0; i < kInTile; i++) {
#pragma GCC unroll 6
        for (int j = 0; j < kInTile; j++) {
          d[i][j] = pixels[i][j] == nullptr ? Zero() : LoadFirst(pixels[i][j] + c, windows_.channels - c);
        }
      }
      TransformSquare<kInTile, kInTile, TransformImage>(d, transformed);
#pragma GCC unroll 6
      for (int i = 0; i < kInTile; i++) {
#pragma GCC unroll 6
        for (int j = 0; j < kInTile; j++) Store(image.Row(i * kInTile + j, row) + c, transformed[i][j]);
      }
    }
  }

  void MultiplyChunk(const Planes &image, long first_tile, long row, long rows, long first_panel, long panels) const {
    const long channels = windows_.channels, most_steps = std::min(kChannelBlock, channels);
    const long panel_taps = kTaps * kTaps * most_steps * kPanel, panel_sums = Planes::Numbers(rows, kPanel);
    Buffer<float> taps(panels * panel_taps), sum_numbers(panels * panel_sums);
    Buffer<float> kernel_numbers(Planes::Numbers(most_steps, kPanel));
    const Planes kernel(kernel_numbers.get(), most_steps, kPanel);
    const auto visit_panels = [&](auto visit) {
      for (long p = 0; p < panels; p++) {
        const long column = (first_panel + p) * kPanel;
        visit(column, std::min<long>(kPanel, outputs_ - column), taps.get() + p * panel_taps,
              Planes(sum_numbers.get() + p * panel_sums, rows, kPanel));
      }
    };
    for (long c = 0; c < channels; c += most_steps) {
      const long steps = std::min(most_steps, channels - c);
      // Panels side by side are read together: a row of the kernel is a page of memory or more away from the next.
      for (int tap = 0; tap < kTaps * kTaps; tap++) {
        visit_panels([&](long column, long columns, float *panel, const Planes &) {
          pack_kernel_(column, columns, tap * channels + c, steps, panel + tap * most_steps * kPanel);
        });
      }
      visit_panels([&](long, long columns, const float *panel, const Planes &sums) {
        TransformKernelPanel(panel, most_steps, steps, kernel);
        for (int place = 0; place < kPlaces; place++) {
          MultiplyPanel<Order::kRowByRow>(rows, image.Row(place, row) + c, row_stride_, kernel.Row(place, 0), steps,
                                          sums.Row(place, 0), kPanel, columns > kLanes ? kPanel : kLanes, c > 0);
        }
      });
    }
    visit_panels([&](long column, long columns, const float *, const Planes &sums) {
      for (long tile = 0; tile < rows; tile++) {
        for (long half = 0; half < columns; half += kLanes) {
          TransformResultTile(first_tile + row + tile, tile, sums, column, half);
        }
      }
    });
  }

  static void TransformKernelPanel(const float *taps, long tap_steps, long steps, const Planes &kernel) {
    for (long k = 0; k < steps; k++) {
      for (long half = 0; half < kPanel; half += kLanes) {
        Vec g[kTaps][kTaps], transformed[kInTile][kInTile];
#pragma GCC unroll 3
        for (int i = 0; i < kTaps; i++) {
#pragma GCC unroll 3
          for (int j = 0; j < kTaps; j++) g[i][j] = Load(taps + ((i * kTaps + j) * tap_steps + k) * kPanel + half);
        }
        TransformSquare<kTaps, kInTile, TransformKernel>(g, transformed);
#pragma GCC unroll 6
        for (int i = 0; i < kInTile; i++) {
#pragma GCC unroll 6
          for (int j = 0; j < kInTile; j++) Store(kernel.Row(i * kInTile + j, k) + half, transformed[i][j]);
        }
      }
    }
  }

  // Those of the tile's pixels that lie in the result.
  void TransformResultTile(long tile, long row, const Planes &sums, long column, long half) const {
    const auto [index, out_y, out_x] = At(tile);
    Vec m[kInTile][kInTile], transformed[kOutTile][kOutTile];
#pragma GCC unroll 6
    for (int i = 0; i < kInTile; i++) {
#pragma GCC unroll 6
      for (int j = 0; j < kInTile; j++) m[i][j] = Load(sums.Row(i * kInTile + j, row) + half);
    }
    TransformSquare<kInTile, kOutTile, TransformResult>(m, transformed);
    const long rows = std::min<long>(kOutTile, windows_.out_height - out_y);
    const long columns = std::min<long>(kOutTile, windows_.out_width - out_x);
    for (long i = 0; i < rows; i++) {
      for (long j = 0; j < columns; j++) {
        const long pixel = (index * windows_.out_height + out_y + i) * windows_.out_width + out_x + j;
        y_.Put(pixel, column + half, outputs_ - column - half, transformed[i][j]);
      }
    }
  }

  const ImageWindows &windows_;
  const long outputs_;
  const PackKernel &pack_kernel_;
  const RowOutput &y_;
  const long down_, across_, tiles_;
  // Channels in whole vectors, and one more, so that rows do not meet in the same lines of the cache.
  const long row_stride_;
};

}  // namespace

// Of smaller images tiles are too few to make up for transforming the kernel, and thin ones would fill little of them. Of fewer
// channels little is saved, and what Winograd's factors add to the rounding is not small beside that of a short sum.
bool SuitsWinograd(const ImageWindows &windows) {
  return windows.rows == kTaps && windows.columns == kTaps && windows.stride == 1 && windows.channels >= 32 &&
         std::min(windows.out_height, windows.out_width) >= 2 * kOutTile;
}

void MultiplyWinograd(const ImageWindows &windows, long outputs, const PackKernel &pack_kernel, const RowOutput &y,
                      Execution execution) {
  Winograd(windows, outputs, pack_kernel, y).Run(execution);
}

}  // namespace loop
