#include "threads.h"

#include <atomic>
#include <stdexcept>
#include <vector>

#include "testing/check.h"

namespace loop::testing {
namespace {

const bool each_once = Require("threads: every task is done once", [] {
  for (int round = 0; round < 1000; round++) {
    std::vector<std::atomic<int>> done(round % 17);
    ForEach(static_cast<long>(done.size()), round % 3 == 0, [&](long i) { done[i]++; });
    for (const auto &count : done) {
      if (count != 1) return "a task was done " + std::to_string(count) + " times";
    }
  }
  return std::string();
});

const bool throws = Require("threads: what a task throws arrives, and the threads live on", [] {
  int caught = 0;
  for (int round = 0; round < 10; round++) {
    try {
      ForEach(8, false, [](long i) {
        if (i == 3) throw std::runtime_error("three");
      });
    } catch (const std::runtime_error &) {
      caught++;
    }
  }
  return caught == 10 ? std::string() : "caught " + std::to_string(caught) + " of 10";
});

}  // namespace
}  // namespace loop::testing
