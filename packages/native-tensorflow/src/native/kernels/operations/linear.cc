#include "families.h"
#include "registration.h"

namespace loop {
namespace {

// ---- LoopLinear(x [rows, inputs], weight, bias [outputs]?, add [rows, outputs]?, sizes [0, inputs first]) → y [rows, outputs]

Linear ReadLinear(const InputShapes &shapes) {
  Linear linear{};
  const Shape &x = shapes.OfRank(0, 2), &weight = shapes.OfRank(1, 2);
  linear.rows = x[0];
  linear.inputs = x[1];
  linear.inputs_first = shapes.Sizes(1)[0] != 0;
  linear.outputs = weight[linear.inputs_first ? 1 : 0];
  shapes.Require(linear.inputs > 0, "x must have columns.");
  shapes.Require(1, linear.inputs_first ? Shape{linear.inputs, linear.outputs} : Shape{linear.outputs, linear.inputs});
  shapes.RequireIfThere(2, {linear.outputs});
  shapes.RequireIfThere(3, {linear.rows, linear.outputs});
  return linear;
}

const Operation kLinear = {
    "LoopLinear",
    {"x", "weight", "bias", "add", "sizes"},
    {"y"},
    {},
    [](const InputShapes &shapes) {
      const Linear linear = ReadLinear(shapes);
      return std::vector<Shape>{{linear.rows, linear.outputs}};
    },
    [](const Call &call) {
      Linear linear = ReadLinear(call.shapes);
      linear.x = call.Input(0);
      linear.weight = call.Input(1);
      linear.bias = call.Input(2);
      linear.add = call.Input(3);
      linear.y = call.Output(0);
      ComputeLinear(linear, call.Running());
    },
};

// ---- LoopGatedLinear(x [rows, inputs], weight [2 outputs, inputs], bias [2 outputs]?) → y [rows, outputs]

GatedLinear ReadGatedLinear(const InputShapes &shapes) {
  GatedLinear linear{};
  const Shape &x = shapes.OfRank(0, 2), &weight = shapes.OfRank(1, 2);
  linear.rows = x[0];
  linear.inputs = x[1];
  linear.outputs = weight[0] / 2;
  shapes.Require(linear.inputs > 0, "x must have columns.");
  shapes.Require(1, {2 * linear.outputs, linear.inputs});
  shapes.RequireIfThere(2, {2 * linear.outputs});
  return linear;
}

const Operation kGatedLinear = {
    "LoopGatedLinear",
    {"x", "weight", "bias"},
    {"y"},
    {},
    [](const InputShapes &shapes) {
      const GatedLinear linear = ReadGatedLinear(shapes);
      return std::vector<Shape>{{linear.rows, linear.outputs}};
    },
    [](const Call &call) {
      GatedLinear linear = ReadGatedLinear(call.shapes);
      linear.x = call.Input(0);
      linear.weight = call.Input(1);
      linear.bias = call.Input(2);
      linear.y = call.Output(0);
      ComputeGatedLinear(linear, call.Running());
    },
};

// ---- LoopLinearWeightGradient(dy [rows, outputs], x [rows, inputs]) → gradient [outputs, inputs]

LinearWeightGradient ReadLinearWeightGradient(const InputShapes &shapes) {
  LinearWeightGradient gradient{};
  const Shape &dy = shapes.OfRank(0, 2), &x = shapes.OfRank(1, 2);
  gradient.rows = dy[0];
  gradient.outputs = dy[1];
  gradient.inputs = x[1];
  shapes.Require(1, {gradient.rows, gradient.inputs});
  return gradient;
}

const Operation kLinearWeightGradient = {
    "LoopLinearWeightGradient",
    {"dy", "x"},
    {"gradient"},
    {},
    [](const InputShapes &shapes) {
      const LinearWeightGradient gradient = ReadLinearWeightGradient(shapes);
      return std::vector<Shape>{{gradient.outputs, gradient.inputs}};
    },
    [](const Call &call) {
      LinearWeightGradient gradient = ReadLinearWeightGradient(call.shapes);
      gradient.dy = call.Input(0);
      gradient.x = call.Input(1);
      gradient.gradient = call.Output(0);
      ComputeLinearWeightGradient(gradient, call.Running());
    },
    0,
};

}  // namespace

void RegisterLinearOperations() {
  Register<kLinear>();
  Register<kGatedLinear>();
  Register<kLinearWeightGradient>();
}

}  // namespace loop
