// What group and layer normalisation and their gradients share: how images are cut into pieces, and rows of numbers per channel.
// To layer normalisation all its rows are the pixels of one image.
//
//              channels, in groups
//            ┌─────┬─────┬─────┬─────┐ ┐                                ┐
//    pixels  │     │     │     │     │ │ a block: its sums are float32  │
//       ▾    ├─────┼─────┼─────┼─────┤ ┘                                │ a chunk: one task; its sums are put down as double
//            │     │     │     │     │                                  │
//            ├─────┼─────┼─────┼─────┤                                  ┘
//            │     │     │     │     │
//            └─────┴─────┴─────┴─────┘
//
// Blocks and chunks follow from the shape of one image, so that its sums do not depend on what else is in the batch.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "memory.h"
#include "simd.h"

namespace loop {

constexpr long kBlockPixels = 32;
// Of one tensor; a quarter of a megabyte.
constexpr long kChunkNumbers = 65536;

// Chunks are counted through all images.
struct Chunks {
  const long batch, pixels, channels;
  // Whole blocks, but for the last chunk of an image.
  const long chunk_pixels = std::max<long>(1, kChunkNumbers / channels / kBlockPixels) * kBlockPixels;
  const long per_image = (pixels + chunk_pixels - 1) / chunk_pixels;

  Chunks(long batch, long pixels, long channels) : batch(batch), pixels(pixels), channels(channels) {}
  explicit Chunks(const GroupNorm &norm) : Chunks(norm.batch, norm.pixels, norm.channels) {}
  explicit Chunks(const LayerNorm &norm) : Chunks(1, norm.rows, norm.channels) {}

  long Count() const { return batch * per_image; }
  long Image(long chunk) const { return chunk / per_image; }
  long First(long image) const { return image * per_image; }
  long Pixels(long chunk) const { return std::min(chunk_pixels, pixels - chunk % per_image * chunk_pixels); }
  // Where the chunk's first number lies in the tensor.
  long Start(long chunk) const { return (Image(chunk) * pixels + chunk % per_image * chunk_pixels) * channels; }
};

// For each image, or chunk, several rows of a number for each channel.
template <typename Number>
class ChannelRows {
 public:
  ChannelRows(long count, long rows, long channels) : rows_(rows), channels_(channels), numbers_(count * rows * channels) {}

  Number *At(long index, long row) { return numbers_.get() + (index * rows_ + row) * channels_; }
  void Clear(long index) { std::fill_n(At(index, 0), rows_ * channels_, Number(0)); }
  // Adds all rows of one to those of another.
  template <typename Other>
  void AddTo(long index, ChannelRows<Other> &others, long other) {
    const Number *from = At(index, 0);
    Other *to = others.At(other, 0);
    for (long i = 0; i < rows_ * channels_; i++) to[i] += from[i];
  }

 private:
  const long rows_, channels_;
  Buffer<Number> numbers_;
};

// Adds the sums of an image's chunks to those of its first one, in their order.
inline void AddUpChunks(const Chunks &chunks, long image, ChannelRows<double> &sums) {
  for (long chunk = chunks.First(image) + 1; chunk < chunks.First(image + 1); chunk++) sums.AddTo(chunk, sums, chunks.First(image));
}

// Calls step(c, lanes, first, last) for each block of pixels first … last − 1 and each vector of channels from c on.
template <typename Step>
void ForEachBlock(long pixels, long channels, const Step &step) {
  for (long first = 0; first < pixels; first += kBlockPixels) {
    const long last = std::min(pixels, first + kBlockPixels);
    ForEachVector(channels, [&](long c, auto lanes) { step(c, lanes, first, last); });
  }
}

// Adds term(row, c, lanes) of all rows to sums[channels]. Memory is read in order, several rows side by side, so that each vector
// of sums is loaded and stored once for all of them.
template <typename Term>
void AddRows(long rows, long channels, float *sums, const Term &term) {
  long row = 0;
  for (; row + 4 <= rows; row += 4) {
    ForEachVector(channels, [&](long c, auto lanes) {
      const Vec upper = term(row, c, lanes) + term(row + 1, c, lanes), lower = term(row + 2, c, lanes) + term(row + 3, c, lanes);
      StoreFirst(sums + c, lanes, LoadFirst(sums + c, lanes) + (upper + lower));
    });
  }
  for (; row < rows; row++) {
    ForEachVector(channels, [&](long c, auto lanes) {
      StoreFirst(sums + c, lanes, LoadFirst(sums + c, lanes) + term(row, c, lanes));
    });
  }
}

template <typename Lanes>
void AddVector(float *to, Lanes lanes, Vec v) {
  StoreFirst(to, lanes, LoadFirst(to, lanes) + v);
}

inline double OffsetAt(const GroupNorm &norm, long image, long channel) {
  if (norm.offset == nullptr) return 0;
  return norm.offset[(norm.shared_offset ? 0 : image * norm.channels) + channel];
}

// Where x, before the offset, has the group's mean: the nearest float32 number, which is subtracted from x without rounding
// where the two are close, and what is left.
struct Centre {
  float nearest;
  double rest;

  explicit Centre(double centre) : nearest(static_cast<float>(centre)), rest(centre - nearest) {}
};

}  // namespace loop
