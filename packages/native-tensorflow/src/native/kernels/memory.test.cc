#include "memory.h"

#include <functional>
#include <string>
#include <thread>

#include "testing/check.h"

namespace loop::testing {
namespace {

constexpr size_t kLarge = 100000;

// What a new thread, which has freed nothing yet, finds wrong.
std::string InThread(const std::function<std::string()> &test) {
  std::string wrong;
  std::thread([&] { wrong = test(); }).join();
  return wrong;
}

const bool used_again = Require("memory: a thread uses again what it has freed, and nothing that is in use", [] {
  return InThread([]() -> std::string {
    const float *first, *second;
    {
      Buffer<float> one(kLarge), other(kLarge);
      first = one.get();
      second = other.get();
      if (first == second) return "two buffers share memory";
    }
    Buffer<float> one(kLarge - 1000), other(kLarge), third(kLarge);
    if (one.get() == other.get() || third.get() == one.get() || third.get() == other.get()) return "three share memory";
    const auto is_either = [&](const float *at) { return at == first || at == second; };
    return is_either(one.get()) && is_either(other.get()) ? "" : "freed memory is not used again";
  });
});

const bool own = Require("memory: what another thread has freed stays its own", [] {
  return InThread([]() -> std::string {
    const float *here = nullptr;
    { here = Buffer<float>(kLarge).get(); }
    return InThread([&] { return std::string(Buffer<float>(kLarge).get() == here ? "memory of another thread" : ""); });
  });
});

}  // namespace
}  // namespace loop::testing
