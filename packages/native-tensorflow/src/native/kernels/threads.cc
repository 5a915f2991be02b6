#include "threads.h"

#include <immintrin.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace loop {
namespace {

// Bits of the control register: results that are denormal become zero, and so do operands.
constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;

class WithoutDenormals {
 public:
  WithoutDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushToZero | kDenormalsAreZero); }
  ~WithoutDenormals() { _mm_setcsr(saved_); }

 private:
  const unsigned saved_;
};

// Spins, then sleeps: kernels follow each other within microseconds, and waking a thread takes fifty.
class Pool {
 public:
  explicit Pool(int threads) : helpers_(threads - 1) {
    for (int i = 0; i < helpers_; i++) std::thread([this] { Help(); }).detach();
  }

  bool TryRun(long count, const std::function<void(long)> &task) {
    if (!free_.try_lock()) return false;
    task_ = &task;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    working_.store(helpers_, std::memory_order_relaxed);
    {
      const std::lock_guard<std::mutex> lock(sleep_);
      round_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    TakeTasks();
    for (int spins = 0; working_.load(std::memory_order_acquire) > 0; spins++) Pause(spins);
    const std::exception_ptr failure = std::exchange(failure_, nullptr);
    free_.unlock();
    if (failure != nullptr) std::rethrow_exception(failure);
    return true;
  }

 private:
  static constexpr int kSpins = 4000;

  static void Pause(int spins) {
    if (spins < kSpins) {
      _mm_pause();
    } else {
      std::this_thread::yield();
    }
  }

  void TakeTasks() {
    try {
      for (long i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) (*task_)(i);
    } catch (...) {
      next_.store(count_);
      const std::lock_guard<std::mutex> lock(sleep_);
      failure_ = std::current_exception();
    }
  }

  void Help() {
    const WithoutDenormals flushed;
    for (unsigned seen = 0;; seen++) {
      for (int spins = 0; spins < kSpins && round_.load(std::memory_order_acquire) == seen; spins++) _mm_pause();
      if (round_.load(std::memory_order_acquire) == seen) {
        std::unique_lock<std::mutex> lock(sleep_);
        wake_.wait(lock, [&] { return round_.load(std::memory_order_acquire) != seen; });
      }
      TakeTasks();
      working_.fetch_sub(1, std::memory_order_release);
    }
  }

  const int helpers_;
  std::mutex free_;
  const std::function<void(long)> *task_ = nullptr;
  long count_ = 0;
  std::atomic<long> next_{0};
  std::atomic<int> working_{0};
  std::atomic<unsigned> round_{0};
  std::mutex sleep_;
  std::exception_ptr failure_;
  std::condition_variable wake_;
};

std::atomic<int> thread_count{0};

// Never destroyed: its threads wait on it until the process ends.
Pool &SharedPool() {
  static Pool *pool = new Pool(ThreadCount());
  return *pool;
}

}  // namespace

void SetThreadCount(int count) {
  int none = 0;
  thread_count.compare_exchange_strong(none, count < 1 ? 1 : count);
}

int ThreadCount() {
  const int count = thread_count.load();
  return count < 1 ? 1 : count;
}

void ForEach(long count, bool alone, const std::function<void(long)> &task) {
  const WithoutDenormals flushed;
  if (!alone && count > 1 && ThreadCount() > 1 && SharedPool().TryRun(count, task)) return;
  for (long i = 0; i < count; i++) task(i);
}

}  // namespace loop
