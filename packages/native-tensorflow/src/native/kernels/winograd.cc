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
// The left matrices are made for a group of tiles, of which there are as many as bounded memory holds. Tasks then take a panel
// of outputs and a chunk of the group's tiles each; the right matrices of a block of channels and the results are theirs alone.
#include "winograd.h"

#include <algorithm>

#include "memory.h"
#include "threads.h"
#include "tile.h"

namespace loop {
namespace {

constexpr int kTaps = 3, kOutTile = 4, kInTile = kOutTile + kTaps - 1, kPlaces = kInTile * kInTile;

// What is held at a time; it decides about speed and memory, not about any sum. The left matrices of a group: 32 MB.
constexpr long kGroupNumbers = 8 << 20;
// The right matrices of a task: 1.5 MB, 36 times kChannelBlock · kPanel. They are made anew for each chunk of tiles, which costs
// as much as multiplying a few tiles does.
constexpr long kChannelBlock = 320;
constexpr long kChunkTiles = 256;

// Bᵀ of equation 22.
inline void TransformImage(const Vec d[kInTile], Vec to[kInTile]) {
  const Vec two = Fill(2), four = Fill(4), five = Fill(5);
  to[0] = MultiplyAdd(four, d[0], NegativeMultiplyAdd(five, d[2], d[4]));
  const Vec even = NegativeMultiplyAdd(four, d[2], d[4]), odd = NegativeMultiplyAdd(four, d[1], d[3]);
  to[1] = even + odd;
  to[2] = even - odd;
  const Vec even2 = d[4] - d[2], odd2 = two * (d[3] - d[1]);
  to[3] = even2 + odd2;
  to[4] = even2 - odd2;
  to[5] = MultiplyAdd(four, d[1], NegativeMultiplyAdd(five, d[3], d[5]));
}

// G of equation 22.
inline void TransformKernel(const Vec g[kTaps], Vec to[kInTile]) {
  to[0] = Fill(1.f / 4) * g[0];
  const Vec even = Fill(-1.f / 6) * (g[0] + g[2]), odd = Fill(-1.f / 6) * g[1];
  to[1] = even + odd;
  to[2] = even - odd;
  const Vec even2 = MultiplyAdd(Fill(1.f / 24), g[0], Fill(1.f / 6) * g[2]), odd2 = Fill(1.f / 12) * g[1];
  to[3] = even2 + odd2;
  to[4] = even2 - odd2;
  to[5] = g[2];
}

// Aᵀ of equation 22.
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
    const long group_tiles = std::max(1L, kGroupNumbers / (kPlaces * row_stride_));
    const long groups = (tiles_ + group_tiles - 1) / group_tiles, largest = (tiles_ + groups - 1) / groups;
    Buffer<float> numbers(Planes::Numbers(largest, row_stride_));
    const Planes image(numbers.get(), largest, row_stride_);
    for (long group = 0; group < groups; group++) {
      const long first = tiles_ * group / groups, count = tiles_ * (group + 1) / groups - first;
      ForEach(count, execution.alone, [&](long tile) { TransformImageTile(first + tile, tile, image); });
      const long panels = (outputs_ + kPanel - 1) / kPanel, chunks = Chunks(count, panels, execution);
      // Tasks that follow each other share a chunk.
      ForEach(chunks * panels, execution.alone, [&](long task) {
        const long chunk = task / panels, begin = count * chunk / chunks, end = count * (chunk + 1) / chunks;
        MultiplyChunk(image, first, begin, end - begin, task % panels * kPanel);
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

  // At least two tasks for each thread, as long as each has a few tiles.
  static long Chunks(long tiles, long panels, Execution execution) {
    const long wanted = execution.alone ? 1 : 2 * ThreadCount();
    const long least = (tiles + kChunkTiles - 1) / kChunkTiles, most = std::max(least, tiles / (2 * kTileRows));
    return std::clamp((wanted + panels - 1) / panels, least, most);
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

  void MultiplyChunk(const Planes &image, long first_tile, long row, long rows, long column) const {
    const long columns = std::min<long>(kPanel, outputs_ - column), channels = windows_.channels;
    const long most_steps = std::min(kChannelBlock, channels);
    Buffer<float> taps(kTaps * kTaps * most_steps * kPanel);
    Buffer<float> kernel_numbers(Planes::Numbers(most_steps, kPanel)), sum_numbers(Planes::Numbers(rows, kPanel));
    const Planes kernel(kernel_numbers.get(), most_steps, kPanel), sums(sum_numbers.get(), rows, kPanel);
    for (long c = 0; c < channels; c += most_steps) {
      const long steps = std::min(most_steps, channels - c);
      for (int tap = 0; tap < kTaps * kTaps; tap++) {
        pack_kernel_(column, columns, tap * channels + c, steps, taps.get() + tap * most_steps * kPanel);
      }
      TransformKernelPanel(taps.get(), most_steps, steps, kernel);
      for (int place = 0; place < kPlaces; place++) {
        MultiplyPanel<Order::kRowByRow>(rows, image.Row(place, row) + c, row_stride_, kernel.Row(place, 0), steps,
                                        sums.Row(place, 0), kPanel, columns > kLanes ? kPanel : kLanes, c > 0);
      }
    }
    for (long tile = 0; tile < rows; tile++) {
      for (long half = 0; half < columns; half += kLanes) TransformResultTile(first_tile + row + tile, tile, sums, column, half);
    }
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

bool SuitsWinograd(const ImageWindows &windows, long outputs) {
  return windows.rows == kTaps && windows.columns == kTaps && windows.stride == 1 && windows.channels >= 32 && outputs >= 32 &&
         windows.out_height * windows.out_width >= 32 * 32;
}

void MultiplyWinograd(const ImageWindows &windows, long outputs, const PackKernel &pack_kernel, const RowOutput &y,
                      Execution execution) {
  Winograd(windows, outputs, pack_kernel, y).Run(execution);
}

}  // namespace loop
