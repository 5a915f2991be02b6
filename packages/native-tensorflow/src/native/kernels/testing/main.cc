// kernels-test [shapes per kernel, 200] [name]: prints the largest error of each with its shape; 1 where one is too large.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../threads.h"
#include "check.h"

namespace loop::testing {
namespace {

struct Comparison {
  const char *name;
  double limit;
  std::function<Outcome(Random &)> once;
};

struct Requirement {
  const char *name;
  std::function<std::string()> test;
};

template <typename Test>
std::vector<Test> &All() {
  static std::vector<Test> tests;
  return tests;
}

bool IsWanted(const char *name, const char *wanted) { return wanted == nullptr || std::strstr(name, wanted) != nullptr; }

int Run(long shapes, const char *wanted) {
  int failures = 0;
  for (const auto &[name, limit, once] : All<Comparison>()) {
    if (!IsWanted(name, wanted)) continue;
    Outcome worst;
    for (long i = 0; i < shapes; i++) {
      Random random(static_cast<uint64_t>(i));
      const Outcome outcome = once(random);
      if (i == 0 || !(outcome.error <= worst.error)) worst = outcome;
    }
    const bool failed = !(worst.error <= limit);
    failures += failed;
    std::printf("%s %s: largest error %.2e of %.2e in %ld shapes (%s)\n", failed ? "FAILED" : "ok", name, worst.error, limit,
                shapes, worst.shape.c_str());
  }
  for (const auto &[name, test] : All<Requirement>()) {
    if (!IsWanted(name, wanted)) continue;
    const std::string wrong = test();
    failures += !wrong.empty();
    std::printf("%s %s%s%s\n", wrong.empty() ? "ok" : "FAILED", name, wrong.empty() ? "" : ": ", wrong.c_str());
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

bool Compare(const char *name, double limit, std::function<Outcome(Random &)> once) {
  All<Comparison>().push_back({name, limit, std::move(once)});
  return true;
}

bool Require(const char *name, std::function<std::string()> test) {
  All<Requirement>().push_back({name, std::move(test)});
  return true;
}

}  // namespace loop::testing

int main(int count, char **values) {
  loop::SetThreadCount(2);
  const long shapes = count > 1 ? std::atol(values[1]) : 200;
  return loop::testing::Run(shapes, count > 2 ? values[2] : nullptr);
}
