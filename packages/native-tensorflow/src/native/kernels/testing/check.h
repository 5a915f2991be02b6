// Holds a kernel against a plain loop in double precision, at random shapes.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace loop::testing {

// The same numbers on every machine (SplitMix64, Steele et al. 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [low, high].
  long Whole(long low, long high) { return low + static_cast<long>(Next() % static_cast<uint64_t>(high - low + 1)); }
  bool Coin() { return (Next() & 1) != 0; }
  // In [−1, 1).
  float Number() { return static_cast<float>(static_cast<int64_t>(Next()) * 0x1p-63); }
  std::vector<float> Numbers(long count, float scale = 1, float shift = 0) {
    std::vector<float> numbers(count);
    for (float &number : numbers) number = Number() * scale + shift;
    return numbers;
  }

 private:
  uint64_t state_;
};

// What one comparison found.
struct Outcome {
  // Largest |actual − expected| / magnitude, where the magnitude is what the rounding of the sum may be compared with.
  double error = 0;
  std::string shape;
};

// To the nearest number of bfloat16, to the even one halfway; not for NaN.
inline float RoundToBfloat16(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
  std::memcpy(&number, &bits, sizeof(bits));
  return number;
}

inline double LargestError(const std::vector<float> &actual, const std::vector<double> &expected,
                           const std::vector<double> &magnitude) {
  double largest = 0;
  for (size_t i = 0; i < actual.size(); i++) {
    const double error = std::abs(actual[i] - expected[i]) / magnitude[i];
    if (!(error <= largest)) largest = std::isnan(error) ? INFINITY : error;
  }
  return largest;
}

// Registers a comparison of one random shape; its error must stay below `limit`. To be called while globals are initialised.
bool Compare(const char *name, double limit, std::function<Outcome(Random &)> once);

// Registers a test of anything else: an empty string, or what is wrong.
bool Require(const char *name, std::function<std::string()> test);

}  // namespace loop::testing
