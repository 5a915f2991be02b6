// What group and layer normalisation and their gradients share: how images are cut into pieces, and rows of numbers per channel.
// To layer normalisation all its rows are the pixels of one image.
//
//              channels, in groups
//            ┌─────┬─────┬─────┬─────┐ ┐
//    pixels  │     │     │     │     │ │ a chunk: one task, which reads memory in order
//       ▾    ├─────┼─────┼─────┼─────┤ ┘
//            │     │     │     │     │
//            └─────┴─────┴─────┴─────┘
//
// Chunks follow from the shape of one image, so that its sums do not depend on what else is in the batch.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "memory.h"
#include "simd.h"

namespace loop {

// Of one tensor; a quarter of a megabyte.
constexpr long kChunkNumbers = 65536;
constexpr long kLeastPixels = 32;

// Chunks are counted through all images.
struct Chunks {
  const long batch, pixels, channels;
  const long chunk_pixels = std::max(kLeastPixels, kChunkNumbers / channels);
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
  // Adds all rows of one to those of another.
  void AddTo(long index, long other) {
    const Number *from = At(index, 0);
    Number *to = At(other, 0);
    for (long i = 0; i < rows_ * channels_; i++) to[i] += from[i];
  }

 private:
  const long rows_, channels_;
  Buffer<Number> numbers_;
};

// Adds the sums of an image's chunks to those of its first one, in their order.
inline void AddUpChunks(const Chunks &chunks, long image, ChannelRows<double> &sums) {
  for (long chunk = chunks.First(image) + 1; chunk < chunks.First(image + 1); chunk++) sums.AddTo(chunk, chunks.First(image));
}

// Calls step(c, lanes, row) for each row and each vector of its channels, from c on. Memory is read and written strictly in
// order: rows side by side, or many rows of one vector, would save loads of what rows have in common, but come at half the speed
// from beyond the caches.
template <typename Step>
void ForEachRow(long rows, long channels, const Step &step) {
  for (long row = 0; row < rows; row++) {
    ForEachVector(channels, [&](long c, auto lanes) { step(c, lanes, row); });
  }
}

// What is added to several sums.
template <int kSums>
struct Terms {
  Vec at[kSums];
};
template <int kSums>
Terms<kSums> operator+(Terms<kSums> a, const Terms<kSums> &b) {
  for (int i = 0; i < kSums; i++) a.at[i] = a.at[i] + b.at[i];
  return a;
}

// Σ terms(c, lanes, pixel) over a chunk's pixels, kSums rows of numbers for each channel: in float32 over a few dozen pixels, and
// those in double.
template <int kSums, typename TermsAt>
void SumOverPixels(long pixels, long channels, const TermsAt &terms, double *sums) {
  constexpr long kFewDozen = 32;
  const long count = kSums * channels;
  std::fill_n(sums, count, 0.);
  Buffer<float> parts(count);
  for (long first = 0; first < pixels; first += kFewDozen) {
    std::fill_n(parts.get(), count, 0.f);
    ForEachRow(std::min(kFewDozen, pixels - first), channels, [&](long c, auto lanes, long row) {
      const Terms<kSums> added = terms(c, lanes, first + row);
      for (int i = 0; i < kSums; i++) {
        float *part = parts.get() + i * channels + c;
        StoreFirst(part, lanes, LoadFirst(part, lanes) + added.at[i]);
      }
    });
    long i = 0;
    for (; i + kLanes <= count; i += kLanes) AddTo(sums + i, Load(parts.get() + i));
    for (; i < count; i++) sums[i] += parts[i];
  }
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
