#include "operation.h"

#include <algorithm>

namespace loop {
namespace {

// No size of a layer is near; products of two of them fit into a long.
constexpr int64_t kLargestSize = INT32_MAX;

}  // namespace

std::string Text(const Shape &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); i++) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

InputShapes::InputShapes(const Operation &operation, std::vector<Shape> shapes)
    : operation_(operation), shapes_(std::move(shapes)) {
  for (size_t i = 0; i < shapes_.size(); i++) {
    const bool fits = std::all_of(shapes_[i].begin(), shapes_[i].end(), [](int64_t size) { return size <= kLargestSize; });
    if (!fits) throw Invalid{Name(static_cast<int>(i)) + " has a size above " + std::to_string(kLargestSize) + "."};
  }
}

std::string InputShapes::Name(int input) const {
  return std::string(operation_.inputs[input]) + " " + Text(shapes_[input]);
}

const Shape &InputShapes::OfRank(int input, size_t rank) const {
  if (shapes_[input].size() == rank) return shapes_[input];
  throw Invalid{Name(input) + " must have " + std::to_string(rank) + " dimensions."};
}

void InputShapes::Require(int input, const Shape &expected) const {
  if (shapes_[input] == expected) return;
  throw Invalid{Name(input) + " must be of shape " + Text(expected) + "."};
}

void InputShapes::RequireIfThere(int input, const Shape &expected) const {
  if (IsThere(input)) Require(input, expected);
}

void InputShapes::Require(bool holds, const char *problem) const {
  if (!holds) throw Invalid{problem};
}

Shape InputShapes::Sizes(size_t count) const {
  const int last = static_cast<int>(shapes_.size()) - 1;
  const Shape &sizes = OfRank(last, count + 1);
  if (sizes[0] != 0) throw Invalid{Name(last) + " must begin with 0."};
  return Shape(sizes.begin() + 1, sizes.end());
}

}  // namespace loop
