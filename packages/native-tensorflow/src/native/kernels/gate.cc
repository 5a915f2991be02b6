// The gate of a transformer's feed-forward layer (GEGLU, Shazeer 2020): value · gelu(gate).

#include <algorithm>

#include "kernels.h"
#include "threads.h"
#include "vector_math.h"

namespace loop {
namespace {

// Calls task(row) for each row, many of them at a time where they are short.
template <typename Task>
void ForEachRow(long rows, long columns, Execution execution, const Task &task) {
  constexpr long kNumbers = 32768;
  const long chunk = std::max<long>(1, kNumbers / std::max<long>(1, columns));
  ForEach((rows + chunk - 1) / chunk, execution.alone, [&](long i) {
    for (long row = i * chunk; row < std::min(rows, (i + 1) * chunk); row++) task(row);
  });
}

}  // namespace

void ComputeGate(const Gate &gate, Execution execution) {
  const long columns = gate.columns;
  ForEachRow(gate.rows, columns, execution, [&](long row) {
    const float *values = gate.x + row * 2 * columns, *gates = values + columns;
    float *y = gate.y + row * columns;
    ForEachVector(columns, [&](long c, auto lanes) {
      StoreFirst(y + c, lanes, LoadFirst(values + c, lanes) * Gelu(LoadFirst(gates + c, lanes)));
    });
  });
}

void ComputeGateGradient(const GateGradient &gradient, Execution execution) {
  const long columns = gradient.columns;
  ForEachRow(gradient.rows, columns, execution, [&](long row) {
    const float *values = gradient.x + row * 2 * columns, *gates = values + columns;
    const float *dy = gradient.dy + row * columns;
    float *d_values = gradient.dx + row * 2 * columns, *d_gates = d_values + columns;
    ForEachVector(columns, [&](long c, auto lanes) {
      const Vec outer = LoadFirst(dy + c, lanes), gate = LoadFirst(gates + c, lanes);
      StoreFirst(d_values + c, lanes, outer * Gelu(gate));
      StoreFirst(d_gates + c, lanes, outer * LoadFirst(values + c, lanes) * GeluSlope(gate));
    });
  });
}

}  // namespace loop
