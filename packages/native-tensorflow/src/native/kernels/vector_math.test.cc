#include "vector_math.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "testing/check.h"
#include "threads.h"

namespace loop::testing {
namespace {

using Function = Vec (*)(Vec);
using Exact = double (*)(double);

double ExactSigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double ExactGelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
double ExactGeluSlope(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
}
double ExactSilu(double x) { return x * ExactSigmoid(x); }
double ExactSiluSlope(double x) { return ExactSigmoid(x) + x * ExactSigmoid(x) * ExactSigmoid(-x); }

// As kernels run it: denormal numbers count as zero.
float OneLane(Function function, float x) {
  float lanes[kLanes];
  ForEach(1, true, [&](long) { Store(lanes, function(Fill(x))); });
  return lanes[0];
}

// Every other time any float at all, denormal ones included, otherwise one from where the functions bend.
float AnyNumber(Random &random) {
  if (random.Coin()) return random.Number() * 20;
  const uint32_t bits = static_cast<uint32_t>(random.Next());
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return std::isfinite(x) ? x : 0;
}

// What is smaller than this may become zero: a denormal number, or −88 times one in Silu.
constexpr double kSmallest = 88 * std::numeric_limits<float>::min();

// The largest error over some numbers in units of `unit(x, y)`.
Outcome Errors(Random &random, Function function, Exact exact, double (*unit)(double x, double y)) {
  constexpr long kCount = 20 * kLanes;
  std::vector<float> x(kCount), y(kCount);
  for (float &number : x) number = AnyNumber(random);
  ForEach(kCount / kLanes, true, [&](long i) { Store(y.data() + i * kLanes, function(Load(x.data() + i * kLanes))); });
  Outcome worst{-1, ""};
  for (long i = 0; i < kCount; i++) {
    const double expected = exact(x[i]);
    const double difference = std::abs(y[i] - expected);
    const double error = difference <= kSmallest ? 0 : difference / unit(x[i], expected);
    if (!(error <= worst.error)) worst = {std::isnan(error) ? INFINITY : error, "x = " + std::to_string(x[i])};
  }
  return worst;
}

// Relative to the result: up to 2⁻²⁴ for its last rounding, and half as much for r and for what is added to 1, of which a result
// below 1 makes more. Above 88.37 it may be infinite.
const bool exp_right = Compare("vector_math: Exp", 1.1e-7, [](Random &random) {
  return Errors(
      random, [](Vec x) { return Exp(Min(Fill(88.37f), x)); }, [](double x) { return std::exp(std::min<double>(x, 88.37f)); },
      [](double, double y) { return y; });
});

// Relative to the result, where it is above the smallest normal number.
const bool exp2_right = Compare("vector_math: Exp2", 1e-7, [](Random &random) {
  return Errors(
      random, [](Vec x) { return Exp2(Min(Fill(127.f), x)); },
      [](double x) { return std::exp2(std::clamp<double>(x, -126, 127)); }, [](double, double y) { return y; });
});

// Relative to the result: Exp, a sum and a quotient.
const bool sigmoid_right = Compare("vector_math: Sigmoid", 1.1e-7 + 2 * 0x1p-24, [](Random &random) {
  return Errors(random, Sigmoid, ExactSigmoid, [](double, double y) { return y; });
});

// As Sigmoid.
const bool silu_right = Compare("vector_math: Silu", 1.1e-7 + 2 * 0x1p-24, [](Random &random) {
  return Errors(random, Silu, ExactSilu, [](double, double y) { return std::abs(y); });
});

// In units of 2⁻²⁴. The result is at most 1.1, and its last rounding then costs one unit.
const bool silu_slope_right = Compare("vector_math: SiluSlope", 3.5, [](Random &random) {
  return Errors(random, SiluSlope, ExactSiluSlope, [](double, double) { return 0x1p-24; });
});

// In units of 2⁻²⁴ |x|, which is what rounding a result near x may cost; the tail that is subtracted costs half as much.
const bool gelu_right = Compare("vector_math: Gelu", 1.5, [](Random &random) {
  return Errors(random, Gelu, ExactGelu, [](double x, double) { return std::abs(x) * 0x1p-24; });
});

// In units of 2⁻²⁴. As for SiluSlope, but less comes before the last rounding.
const bool gelu_slope_right = Compare("vector_math: GeluSlope", 2, [](Random &random) {
  return Errors(random, GeluSlope, ExactGeluSlope, [](double, double) { return 0x1p-24; });
});

const bool ends = Require("vector_math: zeros, infinities and what is not a number", [] {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  struct {
    const char *name;
    Function function;
    float x, y;
  } const cases[] = {
      {"Exp(-inf)", Exp, -kInfinity, 0},             {"Exp(0)", Exp, 0, 1},
      {"Exp(-88)", Exp, -88, 0},                     {"Exp(-1e30)", Exp, -1e30f, 0},
      {"Exp(88.73)", Exp, 88.73f, kInfinity},        {"Exp(inf)", Exp, kInfinity, kInfinity},
      {"Sigmoid(-0)", Sigmoid, -0.f, 0.5f},          {"Sigmoid(inf)", Sigmoid, kInfinity, 1},
      {"Sigmoid(-inf)", Sigmoid, -kInfinity, 0},     {"Sigmoid(-89)", Sigmoid, -89, 0},
      {"Silu(0)", Silu, 0, 0},                       {"Silu(-1e30)", Silu, -1e30f, 0},
      {"Silu(1e30)", Silu, 1e30f, 1e30f},            {"Silu(inf)", Silu, kInfinity, kInfinity},
      {"SiluSlope(0)", SiluSlope, 0, 0.5f},          {"SiluSlope(-1e30)", SiluSlope, -1e30f, 0},
      {"SiluSlope(1e30)", SiluSlope, 1e30f, 1},
      {"Gelu(0)", Gelu, 0, 0},                       {"Gelu(-inf)", Gelu, -kInfinity, 0},
      {"Gelu(inf)", Gelu, kInfinity, kInfinity},     {"GeluSlope(0)", GeluSlope, 0, 0.5f},
      {"GeluSlope(-inf)", GeluSlope, -kInfinity, 0}, {"GeluSlope(inf)", GeluSlope, kInfinity, 1},
  };
  for (const auto &[name, function, x, y] : cases) {
    if (OneLane(function, x) != y) return std::string(name) + " = " + std::to_string(OneLane(function, x));
  }
  // What Silu makes of −∞ is its and its slope's affair, but no ordinary number.
  for (const Function function : {Silu, SiluSlope}) {
    if (std::isfinite(OneLane(function, -kInfinity))) return std::string("an infinity was lost");
  }
  for (const Function function : {Exp, Exp2, Sigmoid, Silu, SiluSlope, Gelu, GeluSlope}) {
    if (!std::isnan(OneLane(function, std::numeric_limits<float>::quiet_NaN()))) return std::string("a NaN was lost");
  }
  return std::string();
});

}  // namespace
}  // namespace loop::testing
