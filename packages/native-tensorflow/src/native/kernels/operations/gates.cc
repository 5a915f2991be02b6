#include "families.h"
#include "registration.h"

namespace loop {
namespace {

// [rows, columns] of each half of x [rows, 2 columns].
Shape HalfOf(const InputShapes &shapes) {
  const Shape &x = shapes.OfRank(0, 2);
  shapes.Require(x[1] % 2 == 0, "x must have an even number of columns.");
  return {x[0], x[1] / 2};
}

// ---- LoopGate(x [rows, 2 columns]) → y [rows, columns]

const Operation kGate = {
    "LoopGate",
    {"x"},
    {"y"},
    {},
    [](const InputShapes &shapes) { return std::vector<Shape>{HalfOf(shapes)}; },
    [](const Call &call) {
      const Shape half = HalfOf(call.shapes);
      ComputeGate({half[0], half[1], call.Input(0), call.Output(0)}, call.Running());
    },
};

// ---- LoopGateGradient(x [rows, 2 columns], dy [rows, columns]) → dx [rows, 2 columns]

const Operation kGateGradient = {
    "LoopGateGradient",
    {"x", "dy"},
    {"dx"},
    {},
    [](const InputShapes &shapes) {
      shapes.Require(1, HalfOf(shapes));
      return std::vector<Shape>{shapes[0]};
    },
    [](const Call &call) {
      const Shape half = HalfOf(call.shapes);
      ComputeGateGradient({half[0], half[1], call.Input(0), call.Input(1), call.Output(0)}, call.Running());
    },
};

}  // namespace

void RegisterGateOperations() {
  Register<kGate>();
  Register<kGateGradient>();
}

}  // namespace loop
