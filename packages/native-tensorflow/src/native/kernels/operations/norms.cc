#include "families.h"
#include "registration.h"

namespace loop {
namespace {

// ---- LoopGroupNorm(x [batch, height, width, channels], weight [channels], bias [channels],
//      offset [batch or 1, channels]?, sizes [0, groups]) → y, statistics [batch, groups, 2]

GroupNorm ReadGroupNorm(const InputShapes &shapes, int64_t groups) {
  GroupNorm norm{};
  const Shape &x = shapes.OfRank(0, 4);
  norm.batch = x[0];
  norm.pixels = x[1] * x[2];
  norm.channels = x[3];
  norm.groups = groups;
  shapes.Require(norm.pixels > 0 && norm.channels > 0, "x must have pixels and channels.");
  shapes.Require(groups > 0 && norm.channels % groups == 0, "the groups must divide x's channels.");
  shapes.Require(1, {norm.channels});
  shapes.Require(2, {norm.channels});
  norm.shared_offset = shapes.IsThere(3) && shapes.OfRank(3, 2)[0] == 1;
  shapes.RequireIfThere(3, {norm.shared_offset ? 1 : norm.batch, norm.channels});
  return norm;
}

// With its tensors.
GroupNorm GroupNormOf(const Call &call, int64_t groups) {
  GroupNorm norm = ReadGroupNorm(call.shapes, groups);
  norm.epsilon = call.attributes.epsilon;
  norm.silu = call.attributes.silu;
  norm.x = call.Input(0);
  norm.weight = call.Input(1);
  norm.bias = call.Input(2);
  norm.offset = call.Input(3);
  return norm;
}

const Operation kGroupNorm = {
    "LoopGroupNorm",
    {"x", "weight", "bias", "offset", "sizes"},
    {"y", "statistics"},
    {"silu: bool", "epsilon: float"},
    [](const InputShapes &shapes) {
      const GroupNorm norm = ReadGroupNorm(shapes, shapes.Sizes(1)[0]);
      return std::vector<Shape>{shapes[0], {norm.batch, norm.groups, 2}};
    },
    [](const Call &call) {
      GroupNorm norm = GroupNormOf(call, call.shapes.Sizes(1)[0]);
      norm.y = call.Output(0);
      norm.statistics = call.Output(1);
      ComputeGroupNorm(norm, call.Running());
    },
};

// ---- LoopGroupNormGradient(x, weight, bias, offset?, statistics, dy) → dx, d_weight, d_bias, d_offset (the offset's shape)

constexpr int kStatistics = 4;

const Operation kGroupNormGradient = {
    "LoopGroupNormGradient",
    {"x", "weight", "bias", "offset", "statistics", "dy"},
    {"dx", "d_weight", "d_bias", "d_offset"},
    {"silu: bool", "epsilon: float"},
    [](const InputShapes &shapes) {
      const int64_t groups = shapes.OfRank(kStatistics, 3)[1];
      const GroupNorm norm = ReadGroupNorm(shapes, groups);
      shapes.Require(kStatistics, {norm.batch, groups, 2});
      shapes.Require(5, shapes[0]);
      return std::vector<Shape>{shapes[0], {norm.channels}, {norm.channels}, shapes[3]};
    },
    [](const Call &call) {
      GroupNormGradient gradient{GroupNormOf(call, call.shapes[kStatistics][1])};
      // Only read.
      gradient.forward.statistics = const_cast<float *>(call.Input(kStatistics));
      gradient.dy = call.Input(5);
      gradient.dx = call.Output(0);
      gradient.d_weight = call.Output(1);
      gradient.d_bias = call.Output(2);
      gradient.d_offset = call.Output(3);
      ComputeGroupNormGradient(gradient, call.Running());
    },
    5,
};

// ---- LoopLayerNorm(x [rows, channels], weight [channels], bias [channels]) → y

LayerNorm ReadLayerNorm(const InputShapes &shapes) {
  LayerNorm norm{};
  const Shape &x = shapes.OfRank(0, 2);
  norm.rows = x[0];
  norm.channels = x[1];
  shapes.Require(norm.channels > 0, "x must have channels.");
  shapes.Require(1, {norm.channels});
  return norm;
}

// With the tensors that its gradient has, too.
LayerNorm LayerNormOf(const Call &call) {
  LayerNorm norm = ReadLayerNorm(call.shapes);
  norm.epsilon = call.attributes.epsilon;
  norm.x = call.Input(0);
  norm.weight = call.Input(1);
  return norm;
}

const Operation kLayerNorm = {
    "LoopLayerNorm",
    {"x", "weight", "bias"},
    {"y"},
    {"epsilon: float"},
    [](const InputShapes &shapes) {
      shapes.Require(2, {ReadLayerNorm(shapes).channels});
      return std::vector<Shape>{shapes[0]};
    },
    [](const Call &call) {
      LayerNorm norm = LayerNormOf(call);
      norm.bias = call.Input(2);
      norm.y = call.Output(0);
      ComputeLayerNorm(norm, call.Running());
    },
};

// ---- LoopLayerNormGradient(x, weight, dy, sizes [0, x?, weight?, bias?]: 1 where its gradient is wanted, otherwise 0)
//      → dx, d_weight, d_bias; [0] where one is not wanted

const Operation kLayerNormGradient = {
    "LoopLayerNormGradient",
    {"x", "weight", "dy", "sizes"},
    {"dx", "d_weight", "d_bias"},
    {"epsilon: float"},
    [](const InputShapes &shapes) {
      const LayerNorm norm = ReadLayerNorm(shapes);
      shapes.Require(2, shapes[0]);
      const Shape wanted = shapes.Sizes(3), nothing{0};
      return std::vector<Shape>{wanted[0] != 0 ? shapes[0] : nothing, wanted[1] != 0 ? Shape{norm.channels} : nothing,
                                wanted[2] != 0 ? Shape{norm.channels} : nothing};
    },
    [](const Call &call) {
      const LayerNormGradient gradient{LayerNormOf(call), call.Input(2), call.Output(0), call.Output(1), call.Output(2)};
      ComputeLayerNormGradient(gradient, call.Running());
    },
    2,
};

}  // namespace

void RegisterNormOperations() {
  Register<kGroupNorm>();
  Register<kGroupNormGradient>();
  Register<kLayerNorm>();
  Register<kLayerNormGradient>();
}

}  // namespace loop
