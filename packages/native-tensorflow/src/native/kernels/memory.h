// Memory for what a kernel holds while it runs.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace loop {

struct MemoryBlock {
  void *at;
  size_t bytes;
};

// Blocks that a thread has freed, for what it needs next. Malloc gives large ones back to the system, which hands them out page
// by page again, each page cleared: a small task would spend as long on that as on its work.
class SpareBlocks {
 public:
  static SpareBlocks &OfThisThread() {
    static thread_local SpareBlocks blocks;
    return blocks;
  }
  SpareBlocks() = default;
  SpareBlocks(const SpareBlocks &) = delete;
  SpareBlocks &operator=(const SpareBlocks &) = delete;
  ~SpareBlocks() {
    while (!blocks_.empty()) FreeOldest();
  }

  // Smaller ones malloc keeps itself; larger ones would be left behind for too long.
  static bool AreFor(size_t bytes) { return bytes >= 32 * 1024 && bytes <= kMostBytes / 2; }

  // One of so many bytes, or a little larger; null where there is none.
  MemoryBlock Take(size_t bytes) {
    for (size_t i = 0; i < blocks_.size(); i++) {
      const MemoryBlock block = blocks_[i];
      if (block.bytes < bytes || block.bytes / 2 > bytes) continue;
      blocks_.erase(blocks_.begin() + static_cast<long>(i));
      bytes_ -= block.bytes;
      Allow(block, bytes);
      return block;
    }
    return {nullptr, 0};
  }

  void Keep(MemoryBlock block) {
    blocks_.push_back(block);
    bytes_ += block.bytes;
    Allow(block, 0);
    while (bytes_ > kMostBytes) FreeOldest();
  }

 private:
  // Several times what a task has.
  static constexpr size_t kMostBytes = 8 * 1024 * 1024;

  void FreeOldest() {
    const MemoryBlock block = blocks_.front();
    blocks_.erase(blocks_.begin());
    bytes_ -= block.bytes;
    Allow(block, block.bytes);
    free(block.at);
  }

  // Tells AddressSanitizer that only the first bytes of a block are anybody's.
  static void Allow([[maybe_unused]] MemoryBlock block, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
    __asan_poison_memory_region(block.at, block.bytes);
    __asan_unpoison_memory_region(block.at, bytes);
#endif
  }

  std::vector<MemoryBlock> blocks_;
  size_t bytes_ = 0;
};

// Uninitialised numbers at an address that suits every vector. Kernels make theirs per call or per task, so that two calls at
// the same time share nothing.
template <typename Number>
class Buffer {
 public:
  explicit Buffer(size_t count) : block_(Allocate(Bytes(count))) {}
  ~Buffer() {
    if (SpareBlocks::AreFor(block_.bytes)) {
      SpareBlocks::OfThisThread().Keep(block_);
    } else {
      free(block_.at);
    }
  }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  Number *get() { return static_cast<Number *>(block_.at); }
  const Number *get() const { return static_cast<const Number *>(block_.at); }
  Number &operator[](size_t index) { return get()[index]; }
  const Number &operator[](size_t index) const { return get()[index]; }

 private:
  static constexpr size_t kAlignment = 64;
  static size_t Bytes(size_t count) { return (count * sizeof(Number) + kAlignment) / kAlignment * kAlignment; }

  static MemoryBlock Allocate(size_t bytes) {
    if (SpareBlocks::AreFor(bytes)) {
      const MemoryBlock spare = SpareBlocks::OfThisThread().Take(bytes);
      if (spare.at != nullptr) return spare;
    }
    void *at = aligned_alloc(kAlignment, bytes);
    if (at == nullptr) throw std::bad_alloc();
    return {at, bytes};
  }

  MemoryBlock block_;
};

}  // namespace loop
