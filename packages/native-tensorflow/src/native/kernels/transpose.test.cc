#include "transpose.h"

#include <string>
#include <vector>

#include "testing/check.h"

namespace loop::testing {
namespace {

const bool exact = Require("transpose: every number lands in its place, and nothing else is touched", [] {
  Random random(1);
  for (long rows = 0; rows <= kLanes; rows++) {
    for (long columns = 1; columns <= kLanes; columns++) {
      const long stride = columns + random.Whole(0, 3), to_stride = kLanes + random.Whole(0, 3);
      const auto from = random.Numbers(rows == 0 ? 0 : (rows - 1) * stride + columns);
      std::vector<float> to((columns - 1) * to_stride + kLanes, 7);
      TransposeSquare(from.data(), stride, rows, columns, to.data(), to_stride);
      for (long at = 0; at < static_cast<long>(to.size()); at++) {
        const long j = at / to_stride, i = at % to_stride;
        const float expected = i >= kLanes ? 7 : i < rows ? from[i * stride + j] : 0;
        if (to[at] != expected) return std::to_string(rows) + "×" + std::to_string(columns) + ": wrong at " + std::to_string(at);
      }
    }
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
