// Layer normalisation (Ba et al. 2016). A row stays in the first cache while it is read three times: for its mean, for its
// deviation, and to write the result.

#include "layer_norm_rows.h"
#include "norm_parts.h"
#include "threads.h"

namespace loop {

void ComputeLayerNorm(const LayerNorm &norm, Execution execution) {
  const Chunks chunks(norm);
  const long channels = norm.channels;
  ForEach(chunks.Count(), execution.alone, [&](long chunk) {
    const float *x = norm.x + chunks.Start(chunk);
    float *y = norm.y + chunks.Start(chunk);
    for (long row = 0; row < chunks.Pixels(chunk); row++, x += channels, y += channels) {
      const RowMoments moments = MomentsOf(norm, x);
      ForEachVector(channels, [&](long c, auto lanes) {
        const Vec normal = moments.Normal(LoadFirst(x + c, lanes));
        StoreFirst(y + c, lanes, MultiplyAdd(normal, LoadFirst(norm.weight + c, lanes), LoadFirst(norm.bias + c, lanes)));
      });
    }
  });
}

}  // namespace loop
