// Memory for what a kernel holds while it runs.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace loop {

// Uninitialised numbers at an address that suits every vector. Freed with its owner: kernels make theirs per call, so that
// two calls at the same time share nothing and a large layer leaves nothing behind.
template <typename Number>
class Buffer {
 public:
  explicit Buffer(size_t count) : numbers_(static_cast<Number *>(aligned_alloc(kAlignment, Bytes(count)))) {
    if (numbers_ == nullptr) throw std::bad_alloc();
  }
  ~Buffer() { free(numbers_); }
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  Number *get() { return numbers_; }
  const Number *get() const { return numbers_; }
  Number &operator[](size_t index) { return numbers_[index]; }
  const Number &operator[](size_t index) const { return numbers_[index]; }

 private:
  static constexpr size_t kAlignment = 64;
  static size_t Bytes(size_t count) { return (count * sizeof(Number) + kAlignment) / kAlignment * kAlignment; }

  Number *numbers_;
};

}  // namespace loop
