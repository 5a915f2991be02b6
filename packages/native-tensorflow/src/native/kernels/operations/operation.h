// A kernel as a TensorFlow operation, on CPUs, with tensors of float32. It is described once: the shapes of its results follow
// from those of its inputs alone, by the same function where a graph is built and where it runs.
//
// TensorFlow's C API cannot read whole numbers among the attributes while a graph is built. What shapes depend on besides
// comes as the dimensions of one more input, `sizes`, of shape [0, n₁, n₂ …], which has no numbers. An input that is left
// out has the shape [0].
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../kernels.h"

namespace loop {

using Shape = std::vector<int64_t>;

// What is wrong with the inputs; becomes TensorFlow's INVALID_ARGUMENT.
struct Invalid {
  std::string message;
};

std::string Text(const Shape &);

class InputShapes;
class Call;

struct Operation {
  const char *name;
  std::vector<const char *> inputs, outputs;
  // `silu: bool` or `epsilon: float`; all have `alone: bool` and `round: bool` (to bfloat16) besides. None may have the name of
  // an input or of a type.
  std::vector<const char *> attributes;
  // The shapes of the outputs. Throws Invalid unless those of the inputs fit each other and `compute`.
  std::vector<Shape> (*infer)(const InputShapes &);
  // Not called where all outputs are empty.
  void (*compute)(const Call &);
  // The input of a gradient of which its results are sums: where it is empty they are zeros, without `compute`.
  int summed = -1;
};

// The shapes of an operation's inputs, numbered as it names them.
class InputShapes {
 public:
  InputShapes(const Operation &operation, std::vector<Shape> shapes);

  bool IsThere(int input) const { return shapes_[input] != Shape{0}; }
  const Shape &operator[](int input) const { return shapes_[input]; }
  // Has so many dimensions.
  const Shape &OfRank(int input, size_t rank) const;
  // Is this one.
  void Require(int input, const Shape &expected) const;
  // Is this one, or is left out.
  void RequireIfThere(int input, const Shape &expected) const;
  // `count` numbers that the last input brings.
  Shape Sizes(size_t count) const;
  // Throws `problem` unless it holds.
  void Require(bool holds, const char *problem) const;

 private:
  std::string Name(int input) const;

  const Operation &operation_;
  const std::vector<Shape> shapes_;
};

struct Attributes {
  bool alone = false;
  bool round = false;
  bool silu = false;
  float epsilon = 0;
};

// What an operation is given to compute.
class Call {
 public:
  Call(InputShapes shapes, std::vector<const float *> inputs, std::vector<float *> outputs, const Attributes &attributes)
      : shapes(std::move(shapes)), attributes(attributes), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}

  // Null for one that is empty.
  const float *Input(int input) const { return inputs_[input]; }
  float *Output(int output) const { return outputs_[output]; }
  Execution Running() const { return {attributes.alone, attributes.round && HasBfloat16()}; }

  const InputShapes shapes;
  const Attributes attributes;

 private:
  const std::vector<const float *> inputs_;
  const std::vector<float *> outputs_;
};

}  // namespace loop
